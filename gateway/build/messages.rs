//! Generates the code that reads requests from OpenIM's JSON and writes answers to it, each special case by a field
//! option.

use proc_macro2::TokenStream;
use quote::quote;

use crate::contract::{Callback, Contract, Field, Message, Shape};

pub(crate) fn write(contract: &Contract) -> TokenStream {
    let objects = contract.requests().into_iter().map(|message| {
        let of = contract.callbacks.iter().find(|c| c.request.name == message.name);
        object(message, of.and_then(order_key))
    });
    let nested = contract.nested_in_responses().into_iter().map(serialize);
    let answers = contract.callbacks.iter().map(answer);
    quote! { #(#objects)* #(#nested)* #(#answers)* }
}

/// The code that reads a message, member by member.
fn object(message: &Message, order_key: Option<TokenStream>) -> TokenStream {
    let ty = message.ident();
    let members = message.flattened().into_iter().map(|(inline, field)| {
        let (key, field) = (&field.json, field.ident());
        match inline.map(Field::ident) {
            Some(inline) => {
                quote! { #key => member.read(&mut self.#inline.get_or_insert_default().#field)? }
            }
            None => quote! { #key => member.read(&mut self.#field)? },
        }
    });
    let operation_id = message.find("operation_id").map(|(inline, _)| {
        let share = match inline.map(Field::ident) {
            // A message of which no key came stays unset, unless there is an id to put into it.
            Some(inline) => quote! {
                if self.#inline.is_some() || !call.is_empty() {
                    json::share(&mut self.#inline.get_or_insert_default().operation_id, call);
                }
            },
            None => quote! { json::share(&mut self.operation_id, call); },
        };
        quote! {
            fn share_operation_id(&mut self, call: &mut Cow<'_, str>) { #share }
        }
    });
    quote! {
        impl json::Object for v1::#ty {
            fn member(
                &mut self,
                key: &str,
                member: json::Member<'_, '_>,
            ) -> Result<bool, json::Error> {
                match key { #(#members,)* _ => return Ok(false) }
                Ok(true)
            }
            #operation_id
            #order_key
        }
    }
}

/// The code that makes the key of an event's order, unless the callback is unordered.
fn order_key(callback: &Callback) -> Option<TokenStream> {
    let values: Vec<_> =
        callback.order().map(|(inline, field)| of_request(inline, field)).collect();
    (!values.is_empty()).then(|| {
        quote! {
            fn order_key(&self) -> Option<String> {
                let request = self;
                order::key([#(#values,)*])
            }
        }
    })
}

/// The code that writes a message below a response.
fn serialize(message: &Message) -> TokenStream {
    let ty = message.ident();
    let entries = message.fields.iter().map(|f| entry(f, None));
    quote! {
        impl Serialize for v1::#ty {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(None)?;
                #(#entries)*
                map.end()
            }
        }
    }
}

/// The code that checks, completes and writes a response.
fn answer(callback: &Callback) -> TokenStream {
    let (request, response) = (callback.request.ident(), callback.response.ident());
    let denial = callback.before.then(|| {
        quote! { fn denial(&mut self) -> Option<v1::Denial> { self.denial.take() } }
    });
    let prepare: Vec<_> = callback.edits().filter_map(|f| prepare(callback, f)).collect();
    let prepare = (!prepare.is_empty()).then(|| {
        quote! {
            fn prepare(&mut self, request: &v1::#request) -> Result<Dropped, WrongAnswer> {
                let mut dropped = Dropped::default();
                #(#prepare)*
                Ok(dropped)
            }
        }
    });
    let echoed = callback.echoed().map(|(inline, field)| {
        let (key, value) = (&field.json, of_request(inline, field));
        quote! { if let Some(value) = #value { map.serialize_entry(#key, value)?; } }
    });
    let edits = callback.edits().map(|f| entry(f, callback.request.find(&f.name)));
    let entries: Vec<_> = echoed.chain(edits).collect();
    let write = (!entries.is_empty()).then(|| {
        quote! {
            fn write<M: SerializeMap>(
                &self,
                request: &v1::#request,
                singletons: &json::SingletonLists,
                map: &mut M,
            ) -> Result<(), M::Error> {
                #(#entries)*
                Ok(())
            }
        }
    });
    let keeps = prepare.is_some() || callback.echoed().next().is_some();
    quote! {
        impl Response<v1::#request> for v1::#response {
            const READS_REQUEST: bool = #keeps;
            #denial
            #prepare
            #write
        }
    }
}

/// The code that checks or completes an edit before it is written, if it needs any.
fn prepare(callback: &Callback, edit: &Field) -> Option<TokenStream> {
    let (name, field) = (&edit.name, edit.ident());
    let options = &edit.options;
    let mut steps = Vec::new();
    if options.json_object {
        steps.push(quote! { edits::check_object(#name, self.#field.as_deref())?; });
    }
    let paired = callback.request.find(name);
    let of_request = paired.map(|(inline, field)| of_request(inline, field));
    if options.if_present {
        steps.push(quote! {
            if self.#field.is_some() && #of_request.is_none() {
                self.#field = None;
                dropped.push(#name);
            }
        });
    }
    if paired.is_some_and(|(_, f)| f.options.echo) {
        steps.push(quote! { if self.#field.is_none() { self.#field = #of_request.cloned(); } });
    }
    if let Some(key) = &options.keyed_by {
        let key_field = quote::format_ident!("{key}");
        let keys = quote! { |edit| edit.#key_field.as_str(), |entry| entry.#key_field.as_str() };
        steps.push(quote! {
            let entries = #of_request.map_or(&[][..], Vec::as_slice);
            edits::check_keys(concat!(#name, ".", #key), &self.#field, entries, #keys)?;
        });
        if options.whole {
            let filled = edit.message.iter().flat_map(|m| &m.fields).filter(|f| f.name != *key);
            let filled = filled.map(Field::ident);
            steps.push(quote! {
                edits::complete(&mut self.#field, entries, #keys, |edit, entry| {
                    edit.#key_field.clone_from(&entry.#key_field);
                    #(edit.#filled.get_or_insert_with(|| entry.#filled.clone());)*
                });
            });
        }
    }
    (!steps.is_empty()).then(|| quote! { #(#steps)* })
}

/// A field of `request` as an `Option` of a reference, whatever its place and shape.
fn of_request(inline: Option<&Field>, field: &Field) -> TokenStream {
    let name = field.ident();
    match (inline.map(Field::ident), field.shape) {
        (None, Shape::Optional) => quote! { request.#name.as_ref() },
        (None, _) => quote! { Some(&request.#name) },
        (Some(inline), Shape::Optional) => {
            quote! { request.#inline.as_ref().and_then(|inline| inline.#name.as_ref()) }
        }
        (Some(inline), _) => quote! { request.#inline.as_ref().map(|inline| &inline.#name) },
    }
}

/// The code that writes one field, if it is set. A list that pairs with a list of the request takes its form.
fn entry(field: &Field, paired: Option<(Option<&Field>, &Field)>) -> TokenStream {
    let (key, name) = (&field.json, field.ident());
    let values = field.message.as_ref().and_then(Message::values);
    match (field.shape, values, paired) {
        (Shape::Plain, _, _) => quote! { map.serialize_entry(#key, &self.#name)?; },
        (Shape::Optional, Some(values), _) => {
            let values = values.ident();
            quote! { if let Some(list) = &self.#name { map.serialize_entry(#key, &list.#values)?; } }
        }
        (Shape::Optional, None, _) => {
            quote! { if let Some(value) = &self.#name { map.serialize_entry(#key, value)?; } }
        }
        (Shape::List, _, Some((_, list))) if list.message.is_some() => {
            let from = &list.json;
            quote! {
                if !self.#name.is_empty() {
                    map.serialize_entry(#key, &json::ListOrSingle { list: &self.#name, single: singletons.contains(#from) })?;
                }
            }
        }
        (Shape::List | Shape::Map, _, _) => {
            quote! { if !self.#name.is_empty() { map.serialize_entry(#key, &self.#name)?; } }
        }
    }
}
