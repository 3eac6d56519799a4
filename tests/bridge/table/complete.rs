//! The table is complete: each callback, name, field and edit has a case.

use std::collections::{BTreeMap, BTreeSet};

use contract::{Callback, CallbackOption, callbacks};
use prost_reflect::{Kind, MessageDescriptor};
use serde_json::Value;

use super::cases::{Case, Style, UNKNOWN, table};

#[test]
fn every_rpc_has_a_file_and_every_file_is_of_one_rpc() {
    let mut rpcs: BTreeMap<_, _> =
        callbacks().map(|c| (c.option.command, c.rpc.name().to_owned())).collect();
    rpcs.insert(UNKNOWN.into(), "Decide".into());
    let all = contract::rpcs().count();
    assert_eq!(rpcs.len(), all, "an rpc of the contract has no (callback)");

    for file in table() {
        let rpc = rpcs.remove(&file.command);
        let rpc = rpc.unwrap_or_else(|| panic!("{}.json is of no callback", file.command));
        assert!(!file.cases.is_empty(), "{}.json has no case", file.command);
        for case in &file.cases {
            assert_eq!(case.received.rpc, rpc, "{}.json, {:?}", file.command, case.name);
        }
    }
    assert!(rpcs.is_empty(), "these have no file: {rpcs:?}");
}

#[test]
fn every_name_of_a_callback_is_called_and_every_callback_in_both_styles() {
    let called: BTreeSet<_> = table().iter().flat_map(|f| &f.cases).map(Case::called).collect();
    let is_called = |style, command: &String| called.contains(&(style, command.clone()));
    let styles = [Style::Path, Style::Query];
    for CallbackOption { command, aliases, .. } in callbacks().map(|c| c.option) {
        for style in styles {
            assert!(is_called(style, &command), "{command}.json has no case in {style:?} style");
        }
        for alias in &aliases {
            let called = styles.iter().any(|&style| is_called(style, alias));
            assert!(called, "{command}.json has no case with {alias} in its URL");
        }
    }
}

#[test]
fn every_callback_that_asks_is_refused_in_a_case() {
    let missing = missing(|callback, cases| {
        let refused = cases.iter().any(|case| case.answer.get("denial").is_some());
        (callback.is_before() && !refused).then(|| "denial".to_owned()).into_iter().collect()
    });
    assert_eq!(missing, [""; 0], "no case has it");
}

#[test]
fn every_field_of_a_request_arrives_in_a_case() {
    let missing = missing(|callback, cases| {
        let arrived = cases.iter().flat_map(|case| members(&case.received.message));
        without(fields(&callback.rpc.input()), &arrived.collect())
    });
    assert_eq!(missing, [""; 0], "no case has a value for these");
}

#[test]
fn every_edit_is_passed_on_in_a_case() {
    let missing = missing(|callback, cases| {
        let allowed = cases.iter().filter(|case| case.reply["errCode"] == 0);
        let mut edited: BTreeSet<_> = allowed.flat_map(|case| members(&case.answer)).collect();
        edited.extend(["code", "message", "detail", "reason"].map(|key| format!("denial.{key}")));
        without(fields(&callback.rpc.output()), &edited)
    });
    assert_eq!(missing, [""; 0], "no case that allows edits these");
}

/// The names, fields and edits without a case, by file.
fn missing(of: impl Fn(&Callback, &[Case]) -> Vec<String>) -> Vec<String> {
    let files: BTreeMap<_, _> =
        table().into_iter().map(|file| (file.command, file.cases)).collect();
    let of = |callback: Callback| {
        let cases = files.get(&callback.option.command).map_or(&[][..], Vec::as_slice);
        let missing = of(&callback, cases);
        missing.into_iter().map(move |what| format!("{}.json: {what}", callback.option.command))
    };
    callbacks().flat_map(of).collect()
}

fn without(all: Vec<String>, found: &BTreeSet<String>) -> Vec<String> {
    all.into_iter().filter(|one| !found.contains(one)).collect()
}

/// The scalars of a message, and of those in it, as paths of JSON keys.
fn fields(message: &MessageDescriptor) -> Vec<String> {
    let paths = message.fields().flat_map(|field| match field.kind() {
        Kind::Message(inner) if !field.is_map() => below(field.json_name(), fields(&inner)),
        _ => vec![field.json_name().to_owned()],
    });
    paths.collect()
}

/// The members of a JSON object, and of those in it, as paths.
fn members(value: &Value) -> Vec<String> {
    match value {
        Value::Object(object) => {
            let paths = |(key, value): (&String, _)| {
                [vec![key.clone()], below(key, members(value))].concat()
            };
            object.iter().flat_map(paths).collect()
        }
        Value::Array(list) => list.iter().flat_map(members).collect(),
        _ => Vec::new(),
    }
}

fn below(key: &str, paths: Vec<String>) -> Vec<String> {
    paths.into_iter().map(|path| format!("{key}.{path}")).collect()
}
