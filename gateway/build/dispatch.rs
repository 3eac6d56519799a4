//! Writes the table of callbacks with the rpc of each, and the lookup of a callback by its command.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use contract::PACKAGE;

use crate::contract::{Callback, Contract, Field};

pub(crate) fn write(contract: &Contract) -> TokenStream {
    let variants = contract.callbacks.iter().map(|c| {
        let (doc, variant) = (format!("`{}.{}`", c.service, c.rpc), c.variant());
        quote! { #[doc = #doc] #variant }
    });
    let count = Literal::usize_unsuffixed(contract.callbacks.len());
    let table = contract.callbacks.iter().map(entry);
    let commands = contract.callbacks.iter().map(|c| {
        let (commands, variant) = (c.commands(), c.variant());
        quote! { #(#commands)|* => Rpc::#variant }
    });
    quote! {
        /// An rpc of the contract that stands for a callback.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Rpc { #(#variants,)* }

        /// Every callback of the contract, in the order of `Rpc`.
        pub static CALLBACKS: [Callback; #count] = [#(#table,)*];

        /// The callback that a command means, be it the command of today or an older one.
        pub fn find(command: &str) -> Option<&'static Callback> {
            let rpc = match command { #(#commands,)* _ => return None };
            Some(&CALLBACKS[rpc as usize])
        }
    }
}

fn entry(callback: &Callback) -> TokenStream {
    let Callback { rpc, command, setting, .. } = callback;
    let variant = callback.variant();
    let kind = if callback.before { quote!(Kind::Before) } else { quote!(Kind::After) };
    let sample = format!("/samples/{command}.json");
    let (request, response) = (callback.request.ident(), callback.response.ident());
    let path = format!("/{PACKAGE}.{}/{rpc}", callback.service);
    let members = callback.request.flattened().into_iter().map(|(_, field)| &field.json);
    let counterparts = callback.edits().filter_map(|edit| counterpart(callback, edit));
    quote! {
        Callback {
            rpc: Rpc::#variant,
            name: #rpc,
            command: #command,
            setting: #setting,
            kind: #kind,
            sample: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), #sample)),
            members: &[#(#members,)*],
            exchange: Exchange::of::<v1::#request, v1::#response>(#path),
            counterparts: &[#(#counterparts,)*],
        }
    }
}

/// The counterpart of an edit, unless it is the whole member of the same key.
fn counterpart(callback: &Callback, edit: &Field) -> Option<TokenStream> {
    let reply = &edit.json;
    if callback.request.field(&edit.name).is_some_and(|field| field.options.inline) {
        return Some(quote! { (#reply, Counterpart::Beside) });
    }
    let (_, field) = callback.request.find(&edit.name)?;
    let request = &field.json;
    if let (Some(key), Some(entry)) = (edit.key(), &field.message) {
        let (key, whole) = (&key.json, edit.options.whole);
        let members = entry.flattened().into_iter().map(|(_, field)| &field.json);
        return Some(quote! {
            (#reply, Counterpart::Entries {
                list: #request, key: #key, members: &[#(#members,)*], whole: #whole,
            })
        });
    }
    (reply != request).then(|| quote! { (#reply, Counterpart::Member(#request)) })
}
