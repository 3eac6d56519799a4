//! The files of cases.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use callback_gateway::openim::contract::CALLBACKS;
use harness::{Asked, Request, Response, Says};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tonic::{Code, Status};

/// One file, named by the command of its callback.
pub(super) struct File {
    pub(super) command: String,
    pub(super) cases: Vec<Case>,
}

/// The file of callbacks that are not in the contract.
pub(super) const UNKNOWN: &str = "unknown";

/// One case. Either `style` or `url` gives the URL.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    /// The rule that it shows.
    pub(super) name: String,
    /// As OpenIM's servers call, by the body's own command.
    pub(super) style: Option<Style>,
    /// Path and query as they are.
    pub(super) url: Option<String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    /// The body, sent byte for byte as it stands in the file; `"sample"` is the one in `gateway/samples/`.
    #[serde(rename = "request")]
    pub(super) body: Box<RawValue>,
    pub(super) received: Received,
    /// The decider's response in protobuf's JSON, or a status: `{"code": "INTERNAL"}`.
    pub(super) answer: Value,
    /// The body that OpenIM gets. `{callback-id}` in it stands for the call's own.
    pub(super) reply: Value,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub(super) enum Style {
    Path,
    Query,
}

/// The request and the metadata that the decider receives.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Received {
    pub(super) rpc: String,
    /// In protobuf's JSON: OpenIM's keys, 64-bit integers as text, enums by name, defaults left out.
    pub(super) message: Value,
    /// Those entries that matter to the case.
    #[serde(default)]
    pub(super) metadata: BTreeMap<String, String>,
}

/// Reads all files, in the order of their names.
pub(super) fn table() -> Vec<File> {
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
    pub(super) fn called(&self) -> (Style, String) {
        let target = self.target();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let command = query.split('&').find_map(|parameter| parameter.strip_prefix("command="));
        match (command, path.rsplit_once('/')) {
            (Some(command), _) => (Style::Query, command.to_owned()),
            (None, Some((_, command))) => (Style::Path, command.to_owned()),
            (None, None) => panic!("{:?}: the url names no command", self.name),
        }
    }

    pub(super) fn request(&self) -> Request {
        let request = Request::post(self.target(), self.body());
        self.headers
            .iter()
            .fold(request, |request, (name, value)| request.header(name, value.as_str()))
    }

    pub(super) fn says(&self) -> Says {
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

    pub(super) fn check(&self, asked: &Asked, reply: &Response) -> Result<(), String> {
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

/// The beginning of a reply.
fn envelope(reply: &Value) -> String {
    let keys = ["actionCode", "errCode", "errMsg", "errDlt", "nextCode"];
    format!("{{{}", keys.map(|key| format!("\"{key}\":{}", reply[key])).join(","))
}
