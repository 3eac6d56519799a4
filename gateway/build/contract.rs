//! The contract as the code generators need it: every callback with its fields and their options.

use std::collections::HashSet;

use contract::{CallbackOption, FieldOptions};
use heck::ToUpperCamelCase;
use proc_macro2::Ident;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};
use quote::format_ident;

/// The service of unknown callbacks.
const FALLBACK: &str = "FallbackService";

pub(crate) struct Contract {
    pub(crate) callbacks: Vec<Callback>,
}

pub(crate) struct Callback {
    /// The rpc's name in the contract, like `BeforeUserRegister`.
    pub(crate) rpc: String,
    pub(crate) service: String,
    pub(crate) command: String,
    pub(crate) aliases: Vec<String>,
    pub(crate) setting: String,
    pub(crate) before: bool,
    pub(crate) ordered_by: Vec<String>,
    pub(crate) request: Message,
    pub(crate) response: Message,
}

pub(crate) struct Message {
    pub(crate) name: String,
    pub(crate) fields: Vec<Field>,
}

pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) json: String,
    pub(crate) options: FieldOptions,
    pub(crate) shape: Shape,
    /// True if it holds a string, or several.
    pub(crate) text: bool,
    /// The message of a message field, and of each entry of a list of messages.
    pub(crate) message: Option<Message>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Always has a value.
    Plain,
    /// May be unset: an optional scalar, or a message.
    Optional,
    List,
    Map,
}

impl Contract {
    pub(crate) fn read() -> Result<Self, String> {
        let mut callbacks = Vec::new();
        for rpc in contract::rpcs().filter(|rpc| rpc.parent_service().name() != FALLBACK) {
            let name = rpc.full_name().to_owned();
            callbacks.push(Callback::read(rpc).map_err(|e| format!("{name}: {e}"))?);
        }
        let mut names = HashSet::new();
        for callback in &callbacks {
            for name in callback.commands().chain([&callback.setting]) {
                if !names.insert(name.clone()) {
                    return Err(format!("{name} stands for two callbacks"));
                }
            }
        }
        Ok(Self { callbacks })
    }

    /// Every message that is read from JSON: the requests and what is listed in them.
    pub(crate) fn requests(&self) -> Vec<&Message> {
        distinct(self.callbacks.iter().map(|c| &c.request).flat_map(Message::with_nested))
    }

    /// Every message that is written as a JSON object below a response.
    pub(crate) fn nested_in_responses(&self) -> Vec<&Message> {
        let nested = |c| Message::with_nested(c).into_iter().skip(1);
        distinct(self.callbacks.iter().map(|c| &c.response).flat_map(nested))
            .into_iter()
            .filter(|m| m.name != "Denial" && m.values().is_none())
            .collect()
    }
}

fn distinct<'a>(messages: impl Iterator<Item = &'a Message>) -> Vec<&'a Message> {
    let mut seen = HashSet::new();
    messages.filter(|m| seen.insert(&m.name)).collect()
}

impl Callback {
    fn read(rpc: MethodDescriptor) -> Result<Self, String> {
        let callback = contract::Callback::of(rpc).ok_or("has no (callback) option")?;
        let before = callback.is_before();
        let contract::Callback { rpc, option } = callback;
        let CallbackOption { command, aliases, setting, ordered_by } = option;
        let callback = Self {
            rpc: rpc.name().to_owned(),
            service: rpc.parent_service().name().to_owned(),
            command,
            aliases,
            setting,
            before,
            ordered_by,
            request: Message::read(&rpc.input()),
            response: Message::read(&rpc.output()),
        };
        callback.check()?;
        Ok(callback)
    }

    /// The command and its aliases.
    pub(crate) fn commands(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.command).chain(&self.aliases)
    }

    /// The rpc as a variant of an enum.
    pub(crate) fn variant(&self) -> Ident {
        format_ident!("{}", self.rpc.to_upper_camel_case())
    }

    /// The fields of the response that edit.
    pub(crate) fn edits(&self) -> impl Iterator<Item = &Field> {
        self.response.fields.iter().filter(|f| f.name != "denial")
    }

    /// The request's fields that make the key of an event's order.
    pub(crate) fn order(&self) -> impl Iterator<Item = (Option<&Field>, &Field)> {
        self.ordered_by.iter().filter_map(|name| self.request.find(name))
    }

    /// The request's fields that every allow sends back and that no edit can replace.
    pub(crate) fn echoed(&self) -> impl Iterator<Item = (Option<&Field>, &Field)> {
        self.request
            .flattened()
            .into_iter()
            .filter(|(_, f)| f.options.echo && self.response.field(&f.name).is_none())
    }
}

impl Message {
    fn read(message: &MessageDescriptor) -> Self {
        Self {
            name: message.name().to_owned(),
            fields: message.fields().map(|f| Field::read(&f)).collect(),
        }
    }

    /// The message's type in Rust.
    pub(crate) fn ident(&self) -> Ident {
        format_ident!("{}", self.name.to_upper_camel_case())
    }

    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.name == name)
    }

    /// The fields whose keys lie in one JSON object: its own, and those of inline messages with the message's field.
    pub(crate) fn flattened(&self) -> Vec<(Option<&Field>, &Field)> {
        let mut fields = Vec::new();
        for field in &self.fields {
            match &field.message {
                Some(message) if field.options.inline => {
                    fields.extend(message.fields.iter().map(|inner| (Some(field), inner)));
                }
                _ => fields.push((None, field)),
            }
        }
        fields
    }

    /// A field of this name, looked up through inline messages too.
    pub(crate) fn find(&self, name: &str) -> Option<(Option<&Field>, &Field)> {
        self.flattened().into_iter().find(|(_, f)| f.name == name)
    }

    /// The one field of a message that is written as a bare list or map.
    pub(crate) fn values(&self) -> Option<&Field> {
        match &self.fields[..] {
            [field] if field.name == "values" => Some(field),
            _ => None,
        }
    }

    fn with_nested(&self) -> Vec<&Message> {
        let nested = self.fields.iter().filter_map(|f| f.message.as_ref());
        std::iter::once(self).chain(nested.flat_map(Message::with_nested)).collect()
    }
}

impl Field {
    fn read(field: &FieldDescriptor) -> Self {
        let shape = match () {
            () if field.is_map() => Shape::Map,
            () if field.is_list() => Shape::List,
            () if field.supports_presence() => Shape::Optional,
            () => Shape::Plain,
        };
        let message = contract::message_of(field).filter(|_| shape != Shape::Map);
        Self {
            name: field.name().to_owned(),
            json: field.json_name().to_owned(),
            options: FieldOptions::of(field),
            shape,
            text: field.kind() == Kind::String,
            message: message.map(|message| Message::read(&message)),
        }
    }

    /// The field that identifies an entry of this list.
    pub(crate) fn key(&self) -> Option<&Field> {
        self.message.as_ref()?.field(self.options.keyed_by.as_ref()?)
    }

    /// The field in Rust, as prost names it.
    pub(crate) fn ident(&self) -> Ident {
        syn::parse_str(&self.name).unwrap_or_else(|_| format_ident!("r#{}", self.name))
    }
}
