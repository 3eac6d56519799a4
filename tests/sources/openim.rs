//! The contract has every callback of OpenIM, with every key.

use std::collections::{BTreeMap, BTreeSet};

use contract::{FieldOptions, callbacks};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Value, json};

/// OpenIM's callbacks, with every key of their requests and replies, as its server's source has them. A `?` behind a
/// type says that the key may be missing or null.
const OPENIM: &str = include_str!("../callbacks.json");

/// The intended differences of the contract from OpenIM: command, key, OpenIM's type, ours. `-` is none.
const DIFFERENCES: [(&str, &str, &str, &str); 13] = [
    // OpenIM ignores these in replies.
    ("callbackBeforeCreateGroupCommand", "reply.applyMemberFriend", "int32", "-"),
    ("callbackBeforeMsgModifyCommand", "reply.msgDataList", "base64 bytes", "-"),
    // The number of the type, sent as the character of that code.
    ("callbackBeforeJoinGroupCommand", "request.groupType", "string", "int32"),
    ("callbackAfterDisMissGroupCommand", "request.groupType", "string", "int32"),
    // The type of the session, whose enum is no wider.
    ("callbackAfterGroupMsgReadCommand", "request.contentType", "int64", "int32"),
    // OpenIM's commercial edition.
    ("callbackBeforeSendSingleMsgCommand", "request.keyVersion", "-", "int32?"),
    ("callbackAfterSendSingleMsgCommand", "request.keyVersion", "-", "int32?"),
    ("callbackBeforeSendGroupMsgCommand", "request.keyVersion", "-", "int32?"),
    ("callbackBeforeSendGroupMsgCommand", "request.recvID", "-", "string?"),
    ("callbackAfterSendGroupMsgCommand", "request.keyVersion", "-", "int32?"),
    ("callbackAfterSendGroupMsgCommand", "request.recvID", "-", "string?"),
    ("callbackBeforeMsgModifyCommand", "request.keyVersion", "-", "int32?"),
    ("callbackAfterMsgSaveDBCommand", "request.keyVersion", "-", "int32?"),
];

#[test]
fn every_callback_of_openim_has_an_rpc() {
    let openim: BTreeMap<_, _> = openim()
        .into_iter()
        .map(|mut callback| {
            let members = callback.as_object_mut().expect("an object");
            members.retain(|key, _| !matches!(&key[..], "request" | "reply"));
            members.entry("aliases").or_insert(json!([]));
            (callback["command"].to_string(), callback)
        })
        .collect();
    let mut ours: BTreeMap<_, _> = callbacks()
        .map(|callback| {
            let service = callback.rpc.parent_service().name().to_lowercase();
            let identity = json!({
                "command": callback.option.command,
                "aliases": callback.option.aliases,
                "kind": if callback.is_before() { "before" } else { "after" },
                "domain": service.trim_end_matches("service"),
                "setting": callback.option.setting,
            });
            (identity["command"].to_string(), identity)
        })
        .collect();
    for (command, callback) in openim {
        assert_eq!(ours.remove(&command), Some(callback), "{command}");
    }
}

#[test]
fn every_key_of_openim_has_a_field_of_its_type_but_for_the_known_differences() {
    let mut openim: BTreeSet<_> = self::openim()
        .iter()
        .flat_map(|c| entries(&c["command"], keys(&c["request"]), keys(&c["reply"])))
        .collect();
    for (command, key, theirs, ours) in DIFFERENCES {
        let entry = |ty: &str| [command, key, ty].map(str::to_owned);
        let differs = (theirs == "-" || openim.remove(&entry(theirs)))
            && (ours == "-" || openim.insert(entry(ours)));
        assert!(differs, "{command}, {key}: OpenIM has it like this now");
    }

    let mut contract = BTreeSet::new();
    // Callbacks newer than the list are tested by their cases alone.
    let known: BTreeSet<_> = self::openim().iter().map(|c| c["command"].to_string()).collect();
    let known = |command: &str| known.contains(&json!(command).to_string());
    for callback in callbacks().filter(|c| known(&c.option.command)) {
        let request = beside(&callback.rpc.input());
        let response = callback.rpc.output();
        let edits = response.fields().filter(|field| field.name() != "denial");
        let echoed = request.iter().filter(|field| FieldOptions::of(field).echo).cloned();
        let reply = edits.chain(echoed).flat_map(|field| types(&field)).collect();
        let request = request.iter().flat_map(types).collect();
        contract.extend(entries(&json!(callback.option.command), request, reply));
    }

    let missing: Vec<_> = openim.difference(&contract).collect();
    let surplus: Vec<_> = contract.difference(&openim).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "missing: {missing:#?}\nsurplus: {surplus:#?}"
    );
}

/// Keys of a JSON object, and the types of their values.
type Keys = Vec<(String, String)>;

fn openim() -> Vec<Value> {
    serde_json::from_str(OPENIM).expect("callbacks in JSON")
}

/// Command, key and type of every key. Optional keys of replies are not compared: any edit may be unset.
fn entries(command: &Value, request: Keys, reply: Keys) -> Vec<[String; 3]> {
    let command = command.as_str().expect("a command");
    let request = request.into_iter().map(|(key, ty)| (format!("request.{key}"), ty));
    let reply = reply.into_iter().map(|(key, ty)| (format!("reply.{key}"), ty.replace('?', "")));
    request.chain(reply).map(|(key, ty)| [command.to_owned(), key, ty]).collect()
}

/// The keys of OpenIM's JSON with their types, those of inner objects after a dot.
fn keys(object: &Value) -> Keys {
    let keys = object.as_object().into_iter().flatten().flat_map(|(key, ty)| match ty {
        Value::Object(inner) => {
            let (shape, inner) = inner.iter().next().expect("a shape");
            with_inner(key, shape, keys(inner))
        }
        ty => vec![(key.clone(), ty.as_str().expect("a type").to_owned())],
    });
    keys.collect()
}

/// The fields whose keys lie in one JSON object.
fn beside(message: &MessageDescriptor) -> Vec<FieldDescriptor> {
    let fields = message.fields().flat_map(|field| match field.kind() {
        Kind::Message(inner) if FieldOptions::of(&field).inline => inner.fields().collect(),
        _ => vec![field],
    });
    fields.collect()
}

/// The keys that a field becomes, with OpenIM's words for their types.
fn types(field: &FieldDescriptor) -> Keys {
    let key = field.json_name();
    match field.kind() {
        Kind::Message(inner) if !field.is_map() => match inner.get_field_by_name("values") {
            Some(values) => vec![(key.to_owned(), type_of(&values))],
            None => {
                let shape = if field.is_list() { "list" } else { "object?" };
                with_inner(key, shape, inner.fields().flat_map(|field| types(&field)).collect())
            }
        },
        _ => vec![(key.to_owned(), type_of(field))],
    }
}

fn type_of(field: &FieldDescriptor) -> String {
    let scalar = |field: &FieldDescriptor| match field.kind() {
        Kind::Enum(_) => "int32".to_owned(),
        kind => format!("{kind:?}"),
    };
    match field.kind() {
        Kind::Message(entry) if field.is_map() => {
            let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
            format!("map of {} to {}?", scalar(&key), scalar(&value))
        }
        _ if field.is_list() => format!("list of {}?", scalar(field)),
        _ if field.supports_presence() => format!("{}?", scalar(field)),
        _ => scalar(field),
    }
}

fn with_inner(key: &str, shape: &str, inner: Keys) -> Keys {
    let inner = inner.into_iter().map(|(sub, ty)| (format!("{key}.{sub}"), ty));
    [(key.to_owned(), shape.to_owned())].into_iter().chain(inner).collect()
}
