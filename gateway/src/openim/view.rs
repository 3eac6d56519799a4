//! The content of a callback as JSON, for people.

use contract::FieldOptions;
use prost_reflect::{DynamicMessage, SerializeOptions, Value};
use serde_json::value::Serializer;

use super::contract::Callback;

/// A callback's request with OpenIM's keys, without the fields that are sensitive; none if it can't be decoded.
pub(crate) fn view(callback: &Callback, message: &[u8]) -> Option<serde_json::Value> {
    let rpc = contract::rpcs().find(|rpc| rpc.name() == callback.name)?;
    let mut message = DynamicMessage::decode(rpc.input(), message).ok()?;
    hide(&mut message);
    let options = SerializeOptions::new().stringify_64_bit_integers(false);
    message.serialize_with_options(Serializer, &options).ok()
}

fn hide(message: &mut DynamicMessage) {
    let fields: Vec<_> = message.fields().map(|(field, _)| field).collect();
    for field in fields {
        if FieldOptions::of(&field).sensitive {
            message.clear_field(&field);
        } else {
            hide_in(message.get_field_mut(&field));
        }
    }
}

fn hide_in(value: &mut Value) {
    match value {
        Value::Message(message) => hide(message),
        Value::List(values) => values.iter_mut().for_each(hide_in),
        Value::Map(values) => values.values_mut().for_each(hide_in),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::openim::contract::CALLBACKS;
    use crate::openim::exchange::PREFIX;

    fn shown(setting: &str, body: &str) -> Value {
        let callback = CALLBACKS.iter().find(|callback| callback.setting == setting);
        let callback = callback.expect("a callback");
        let opened = (callback.exchange.open)(body, "", 100).expect("a body");
        view(callback, &opened.request.frame[PREFIX..]).expect("a view")
    }

    #[test]
    fn every_sample_can_be_shown() {
        for callback in &CALLBACKS {
            assert!(!shown(callback.setting, callback.sample).is_null(), "{}", callback.name);
        }
    }

    #[test]
    fn secrets_of_users_are_not_shown() {
        let body = r#"{"secret":"s3cret","users":[{"userID":"u1","nickname":"n"}]}"#;
        let shown = shown("beforeUserRegister", body).to_string();
        assert!(shown.contains("u1") && !shown.contains("s3cret"), "{shown}");
    }
}
