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
    let paired = callback.edits().filter_map(|edit| paired(callback, edit));
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
            paired: &[#(#paired,)*],
        }
    }
}

/// An edit whose field of the request has another key, none of its own, or entries with a key.
fn paired(callback: &Callback, edit: &Field) -> Option<TokenStream> {
    let inline = callback.request.field(&edit.name).filter(|field| field.options.inline);
    let (reply, whole) = (&edit.json, edit.options.whole);
    if inline.is_some() {
        return Some(quote! {
            PairedEdit { reply: #reply, request: None, key: None, whole: #whole }
        });
    }
    let (_, field) = callback.request.find(&edit.name)?;
    let (request, key) = (&field.json, edit.key().map(|key| &key.json));
    let is_keyed = key.is_some();
    let key = key.map_or_else(|| quote!(None), |key| quote!(Some(#key)));
    (is_keyed || reply != request).then(|| {
        let request = quote!(Some(#request));
        quote! { PairedEdit { reply: #reply, request: #request, key: #key, whole: #whole } }
    })
}
