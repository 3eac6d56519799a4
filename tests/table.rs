//! Every callback, by the cases of its file: what OpenIM sends, what the decider then gets and answers, and what OpenIM
//! gets back. The tests below the first watch that the table is complete.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use callback_gateway::contract::CALLBACKS;
use contract::{Callback, CallbackOption, callbacks};
use harness::{Asked, Decider, Gateway, Request, Response, Says};
use prost_reflect::{Kind, MessageDescriptor};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tonic::{Code, Status};

/// One file, named by the command of its callback.
struct File {
    command: String,
    cases: Vec<Case>,
}

/// The file of callbacks that the contract does not know.
const UNKNOWN: &str = "unknown";

/// One case. Either `style` or `url` says where the request goes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The rule that it shows.
    name: String,
    /// As OpenIM's servers call, by the body's own command.
    style: Option<Style>,
    /// Path and query as they are.
    url: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The body, sent byte for byte as it stands in the file; `"sample"` is the one in `gateway/samples/`.
    #[serde(rename = "request")]
    body: Box<RawValue>,
    received: Received,
    /// The decider's response in protobuf's JSON, or a status: `{"code": "INTERNAL"}`.
    answer: Value,
    /// The body that OpenIM gets. `{callback-id}` in it stands for the call's own.
    reply: Value,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
enum Style {
    Path,
    Query,
}

/// What the decider gets.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Received {
    rpc: String,
    /// In protobuf's JSON: OpenIM's keys, 64-bit integers as text, enums by name, defaults left out.
    message: Value,
    /// Those entries that matter to the case.
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

#[test]
fn every_case_gets_its_reply() {
    let bridge = Bridge::start();
    let failures: Vec<_> = table()
        .iter()
        .flat_map(|file| file.cases.iter().map(move |case| (file, case)))
        .filter_map(|(file, case)| {
            let why = bridge.run(case).err()?;
            Some(format!("{}.json, \"{}\":\n{why}", file.command, case.name))
        })
        .collect();
    assert!(failures.is_empty(), "{} cases fail\n\n{}", failures.len(), failures.join("\n\n"));
}

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

/// Reads all files, in the order of their names.
fn table() -> Vec<File> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("a folder of cases")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let text = fs::read_to_string(&path).expect("a file in UTF-8");
            let cases =
                serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let command = path.file_stem().and_then(|stem| stem.to_str()).expect("a command");
            File { command: command.to_owned(), cases }
        })
        .collect();
    files.sort_by(|a, b| a.command.cmp(&b.command));
    files
}

/// The real gateway between OpenIM and a decider that answers as the case at hand says.
struct Bridge {
    script: Arc<Mutex<Script>>,
    gateway: Gateway,
    _decider: Decider,
}

struct Script {
    says: Says,
    asked: Vec<Asked>,
}

impl Bridge {
    fn start() -> Self {
        let script = Arc::new(Mutex::new(Script { says: Says::Nothing, asked: Vec::new() }));
        let read = script.clone();
        let decider = Decider::start(move |asked: &Asked| {
            let mut script = lock(&read);
            script.asked.push(asked.clone());
            script.says.clone()
        });
        let gateway = Gateway::start(&decider.url(), "");
        Self { script, gateway, _decider: decider }
    }

    fn run(&self, case: &Case) -> Result<(), String> {
        *lock(&self.script) = Script { says: case.says(), asked: Vec::new() };
        let reply = self.gateway.send(&case.request());
        match &lock(&self.script).asked[..] {
            [asked] => case.check(asked, &reply),
            asked => Err(format!(
                "the decider was asked {} times; the reply is {}",
                asked.len(),
                reply.body
            )),
        }
    }
}

fn lock(script: &Mutex<Script>) -> MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Case {
    fn body(&self) -> &str {
        match self.body.get() {
            r#""sample""# => {
                let callback = CALLBACKS.iter().find(|callback| callback.name == self.received.rpc);
                callback.expect("a callback of the contract").sample
            }
            body => body,
        }
    }

    fn target(&self) -> String {
        let body: Value = serde_json::from_str(self.body()).expect("a body in JSON");
        let command = body["callbackCommand"].as_str().unwrap_or_default();
        match (self.style, &self.url) {
            (Some(Style::Path), None) => format!("/callbackExample/{command}"),
            (Some(Style::Query), None) => format!("/callbackExample?command={command}"),
            (None, Some(url)) => url.clone(),
            _ => panic!("{:?}: it needs either a style or a url", self.name),
        }
    }

    /// The style and the command of the URL.
    fn called(&self) -> (Style, String) {
        let target = self.target();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let command = query.split('&').find_map(|parameter| parameter.strip_prefix("command="));
        match (command, path.rsplit_once('/')) {
            (Some(command), _) => (Style::Query, command.to_owned()),
            (None, Some((_, command))) => (Style::Path, command.to_owned()),
            (None, None) => panic!("{:?}: the url names no command", self.name),
        }
    }

    fn request(&self) -> Request {
        let request = Request::post(self.target(), self.body());
        self.headers
            .iter()
            .fold(request, |request, (name, value)| request.header(name, value.as_str()))
    }

    fn says(&self) -> Says {
        let code = |name: &str| {
            let is = |code: &Code| format!("{code:?}").to_uppercase() == name.replace('_', "");
            let code = (1..=16).map(Code::from_i32).find(is);
            code.unwrap_or_else(|| panic!("{:?}: {name} is no gRPC status", self.name))
        };
        match self.answer["code"].as_str() {
            Some(name) => Status::new(code(name), "by the case").into(),
            None => self.answer.clone().into(),
        }
    }

    fn check(&self, asked: &Asked, reply: &Response) -> Result<(), String> {
        same("rpc", &json!(self.received.rpc), &json!(asked.rpc))?;
        same("message", &self.received.message, &asked.request)?;
        for (key, value) in &self.received.metadata {
            same(key, &json!(value), &json!(asked.metadata(key)))?;
        }
        let mut expected = self.reply.clone();
        if expected["errDlt"] == "{callback-id}" {
            expected["errDlt"] = json!(asked.metadata("callback-id"));
        }
        same("status", &json!(200), &json!(reply.status.as_u16()))?;
        same("reply", &expected, &reply.json())?;
        match reply.body.starts_with(&envelope(&expected)) {
            true => Ok(()),
            false => Err(format!("the reply does not begin with the envelope: {}", reply.body)),
        }
    }
}

fn same(what: &str, expected: &Value, found: &Value) -> Result<(), String> {
    match expected == found {
        true => Ok(()),
        false => Err(format!("  {what} should be {expected}\n  {what} is        {found}")),
    }
}

/// How a reply begins.
fn envelope(reply: &Value) -> String {
    let keys = ["actionCode", "errCode", "errMsg", "errDlt", "nextCode"];
    format!("{{{}", keys.map(|key| format!("\"{key}\":{}", reply[key])).join(","))
}

/// What the cases of each callback lack, by its file.
fn missing(of: impl Fn(&Callback, &[Case]) -> Vec<String>) -> Vec<String> {
    let files: BTreeMap<_, _> =
        table().into_iter().map(|file| (file.command, file.cases)).collect();
    let of = |callback: Callback| {
        let cases = files.get(&callback.option.command).map_or(&[][..], Vec::as_slice);
        let missing = of(&callback, cases);
        missing.into_iter().map(move |what| format!("{}.json: {what}", callback.option.command))
    };
    callbacks().into_iter().flat_map(of).collect()
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
