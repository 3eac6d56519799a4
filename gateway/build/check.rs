//! The rules for a callback of the contract. A violation stops the build, with the name of the field.

use std::collections::HashSet;

use crate::contract::{Callback, Field, Message, Shape};

/// The keys of a reply that are the verdict's own.
const ENVELOPE: [&str; 5] = ["actionCode", "errCode", "errMsg", "errDlt", "nextCode"];
/// The key of a request that names the callback.
const COMMAND: &str = "callbackCommand";

impl Callback {
    pub(crate) fn check(&self) -> Result<(), String> {
        for name in self.commands().chain([&self.setting]) {
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                return Err(format!("`{name}` is no command or setting"));
            }
        }
        if !self.before && !self.rpc.starts_with("After") {
            return Err("its name starts with neither Before nor After".into());
        }
        if self.before && self.response.field("denial").is_none() {
            return Err("the response of a Before callback must have a denial".into());
        }
        if !self.before && !self.response.fields.is_empty() {
            return Err("the response of an After callback must be empty".into());
        }
        self.check_request()?;
        self.check_order()?;
        for edit in self.edits() {
            self.check_edit(edit).map_err(|e| format!("{}: {e}", edit.name))?;
        }
        let keys = self.edits().map(|f| &f.json).chain(self.echoed().map(|(_, f)| &f.json));
        let mut seen: HashSet<String> = ENVELOPE.iter().map(|k| k.to_lowercase()).collect();
        for key in keys {
            if !seen.insert(key.to_lowercase()) {
                return Err(format!("the reply would have the key {key} twice"));
            }
        }
        Ok(())
    }

    fn check_request(&self) -> Result<(), String> {
        let mut keys = HashSet::from([COMMAND.to_owned()]);
        for (_, field) in self.request.flattened() {
            let options = &field.options;
            if !keys.insert(field.json.clone()) {
                return Err(format!(
                    "{}: the request has the key {} twice",
                    field.name, field.json
                ));
            }
            if options.keyed_by.is_some()
                || options.whole
                || options.if_present
                || options.json_object
            {
                return Err(format!("{}: this option is for responses", field.name));
            }
        }
        let misplaced =
            |f: &&Field| f.options.inline && (f.message.is_none() || f.shape != Shape::Optional);
        match self.request.fields.iter().find(misplaced) {
            Some(field) => Err(format!("{}: (inline) is for a message", field.name)),
            None => Ok(()),
        }
    }

    fn check_order(&self) -> Result<(), String> {
        if self.before && !self.ordered_by.is_empty() {
            return Err("ordered_by is for After rpcs".into());
        }
        for name in &self.ordered_by {
            let Some((_, field)) = self.request.find(name) else {
                return Err(format!("ordered_by names {name}, which the request does not have"));
            };
            if !field.text || !matches!(field.shape, Shape::Plain | Shape::Optional) {
                return Err(format!("ordered_by names {name}, which must be one string"));
            }
        }
        Ok(())
    }

    fn check_edit(&self, edit: &Field) -> Result<(), String> {
        let options = &edit.options;
        if options.inline || options.echo {
            return Err("(inline) and (echo) are for requests".into());
        }
        if edit.shape == Shape::Plain {
            return Err("a scalar that a response edits must be optional".into());
        }
        if options.json_object && (edit.message.is_some() || edit.shape != Shape::Optional) {
            return Err("(json_object) is for an optional string".into());
        }
        let paired = self.request.find(&edit.name);
        if options.if_present && paired.is_none_or(|(_, field)| field.shape != Shape::Optional) {
            return Err("(if_present) needs an optional field of the request with this name".into());
        }
        if options.whole && options.keyed_by.is_none() {
            return Err("(whole) needs (keyed_by)".into());
        }
        let Some(key) = &options.keyed_by else {
            return Ok(());
        };
        let entries = edit.message.as_ref().filter(|_| edit.shape == Shape::List);
        let of = paired
            .and_then(|(_, list)| list.message.as_ref().filter(|_| list.shape == Shape::List));
        let (Some(entry), Some(of)) = (entries, of) else {
            return Err("(keyed_by) needs a list of messages in both request and response".into());
        };
        let plain = |m: &Message| {
            m.field(key).is_some_and(|f| f.shape == Shape::Plain && f.message.is_none())
        };
        if !plain(entry) || !plain(of) {
            return Err(format!(
                "(keyed_by) names {key}, which must be a plain field of both entries"
            ));
        }
        if entry.field(key).map(|f| &f.json) != of.field(key).map(|f| &f.json) {
            return Err(format!("{key} must have one JSON name in both entries"));
        }
        for field in entry.fields.iter().filter(|f| f.name != *key) {
            if field.shape != Shape::Optional {
                return Err(format!("{}: an edit must be optional", field.name));
            }
            if options.whole && of.field(&field.name).is_none_or(|f| f.shape != Shape::Plain) {
                return Err(format!(
                    "(whole) needs a plain {} in the request's entries",
                    field.name
                ));
            }
        }
        Ok(())
    }
}
