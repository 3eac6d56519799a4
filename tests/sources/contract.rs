//! The contract's own rules, and its compatibility with earlier ones.

use std::collections::{BTreeMap, BTreeSet};

use contract::{PACKAGE, callbacks};
use prost_reflect::prost_types::FileDescriptorProto;
use prost_reflect::{DescriptorPool, DynamicMessage, FileDescriptor, Kind, MessageDescriptor};
use serde_json::Value;

/// The contract that deciders may have been built with.
const BASELINE: &[u8] = include_bytes!("../../proto/baseline.binpb");

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

#[test]
fn every_event_has_a_key_or_a_comment_that_says_why_it_is_unordered() {
    for callback in callbacks().filter(|callback| !callback.is_before()) {
        let service = callback.rpc.parent_service();
        let comments = comments(service.parent_file_descriptor_proto());
        let says = comments[callback.rpc.path()].contains("unordered");
        let unordered = callback.option.ordered_by.is_empty();
        assert_eq!(says, unordered, "{}", callback.rpc.full_name());
    }
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

/// True if options are still the same. Lists may grow, by an alias for example.
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
