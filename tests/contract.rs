//! What the contract promises, to OpenIM and to deciders that were built with an earlier one.

use std::collections::{BTreeMap, BTreeSet};

use contract::{FieldOptions, PACKAGE, callbacks};
use prost_reflect::prost_types::FileDescriptorProto;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor,
};
use serde_json::{Value, json};

/// The contract that deciders may have been built with.
const BASELINE: &[u8] = include_bytes!("../proto/baseline.binpb");

/// OpenIM's callbacks, with every key of their requests and replies, as its server's source has them. A `?` behind a
/// type says that the key may be missing or null.
const OPENIM: &str = include_str!("callbacks.json");

/// Where the contract differs from OpenIM on purpose: command, key, OpenIM's type, ours. `-` is none.
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
fn the_options_of_the_baseline_are_kept() {
    let baseline = DescriptorPool::decode(BASELINE).expect("the baseline");
    let (now, mut changed) = (all_options(&contract::descriptors()), Vec::new());
    for (name, then) in all_options(&baseline) {
        match now.get(&name) {
            Some(now) if keeps(now, &then) => {}
            now => changed.push(format!("{name}: {then:?} became {now:?}")),
        }
    }
    assert!(changed.is_empty(), "{}", changed.join("\n"));
}

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
    // Callbacks that are newer than the list are held by their cases alone.
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

#[test]
fn the_response_to_a_question_begins_with_a_denial_and_that_to_an_event_is_empty() {
    for callback in callbacks() {
        let response = callback.rpc.output();
        let first = response.get_field(1).map(|field| (field.name().to_owned(), field.kind()));
        let denies = match first {
            Some((name, Kind::Message(message))) => name == "denial" && message.name() == "Denial",
            _ => false,
        };
        let fits = if callback.is_before() { denies } else { response.fields().len() == 0 };
        assert!(fits, "{}", response.full_name());
    }
}

#[test]
fn every_scalar_that_a_response_edits_can_be_unset_but_keys_and_what_replaces_a_whole() {
    let scalars = |message: &MessageDescriptor| {
        let fields = message.fields().filter(|field| !field.supports_presence());
        let fields = fields.filter(|field| !field.is_list() && !field.is_map());
        fields.map(|field| field.full_name().to_owned()).collect::<Vec<_>>()
    };
    let mut found = BTreeSet::new();
    for callback in callbacks() {
        let response = callback.rpc.output();
        found.extend(scalars(&response));
        for edit in response.fields().filter(|field| field.name() != "denial") {
            found.extend(edit.kind().as_message().into_iter().flat_map(scalars));
        }
    }
    let replaces = ["title", "desc", "ex", "ios_push_sound", "ios_badge_count", "signal_info"];
    let mut expected =
        BTreeSet::from(replaces.map(|name| format!("{PACKAGE}.OfflinePushInfo.{name}")));
    expected
        .extend(["UserEdit", "JoiningMemberEdit"].map(|edit| format!("{PACKAGE}.{edit}.user_id")));
    assert_eq!(found, expected);
}

#[test]
fn every_comment_begins_with_the_name_of_what_it_explains() {
    let mut wrong = Vec::new();
    for file in contract::descriptors().files().filter(|file| file.package_name() == PACKAGE) {
        let comments = comments(file.file_descriptor_proto());
        assert!(!comments.is_empty(), "{} was compiled without its comments", file.name());
        for (name, path) in named(&file) {
            let comment = comments.get(&path[..]).map(|comment| comment.split_whitespace().next());
            if comment != Some(Some(&name)) {
                wrong.push(format!("{}: {name}", file.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "these lack such a comment:\n{}", wrong.join("\n"));
}

/// Keys of a JSON object, and the types of their values.
type Keys = Vec<(String, String)>;

fn openim() -> Vec<Value> {
    serde_json::from_str(OPENIM).expect("callbacks in JSON")
}

/// The options of every rpc, by its name, and of every field, by its number; most have none.
fn all_options(contract: &DescriptorPool) -> BTreeMap<String, Value> {
    let json = |options: DynamicMessage| serde_json::to_value(options).expect("options as JSON");
    let rpcs = contract.services().flat_map(|service| service.methods().collect::<Vec<_>>());
    let messages = contract.all_messages().filter(|message| message.package_name() == PACKAGE);
    let fields = messages.flat_map(|message| message.fields().collect::<Vec<_>>());
    let rpcs = rpcs.map(|rpc| (rpc.full_name().to_owned(), json(rpc.options())));
    let fields = fields.map(|field| {
        let name = format!("{}, field {}", field.parent_message().full_name(), field.number());
        (name, json(field.options()))
    });
    rpcs.chain(fields).collect()
}

/// Whether options are still the same. Aliases may be added.
fn keeps(now: &Value, then: &Value) -> bool {
    match (now, then) {
        (Value::Array(now), Value::Array(then)) => then.iter().all(|entry| now.contains(entry)),
        (Value::Object(now), Value::Object(then)) => {
            let kept = |(key, then)| now.get(key).is_some_and(|now| keeps(now, then));
            now.len() == then.len() && then.iter().all(kept)
        }
        _ => now == then,
    }
}

/// Command, key and type of every key. Whether a reply may lack a key is not compared: any edit may be unset.
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

/// The comments before things, by the things' paths in their file.
fn comments(file: &FileDescriptorProto) -> BTreeMap<&[i32], &str> {
    let locations = file.source_code_info.iter().flat_map(|info| &info.location);
    locations.map(|location| (&location.path[..], location.leading_comments())).collect()
}

/// All that has a name in a file, with its path there.
fn named(file: &FileDescriptor) -> Vec<(String, Vec<i32>)> {
    let mut named = Vec::new();
    let mut name = |name: &str, path: &[i32]| named.push((name.to_owned(), path.to_vec()));
    for service in file.services() {
        name(service.name(), service.path());
        service.methods().for_each(|rpc| name(rpc.name(), rpc.path()));
    }
    for message in file.messages() {
        name(message.name(), message.path());
        message.fields().for_each(|field| name(field.name(), field.path()));
    }
    for one in file.enums() {
        name(one.name(), one.path());
        one.values().for_each(|value| name(value.name(), value.path()));
    }
    file.extensions().for_each(|option| name(option.name(), option.path()));
    named
}
