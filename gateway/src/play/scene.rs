//! A callback to be sent, with its body and the expected decisions.

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::Full;
use process::suggest;
use serde_json::Value;

use super::decision::Outcome;
use super::expectations::{Case, Expectations, Expected};
use super::terminal::shown;
use crate::openim::contract::{self, CALLBACKS, Callback};
use crate::openim::json::COMMAND;
use crate::openim::key::CallbackKey;

/// A callback to be sent.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The callback; unknown for a command that is not in the contract.
    pub callback: CallbackKey,
    /// Where it is sent.
    pub target: Uri,
    /// The rule that it shows, if there is one.
    pub name: Option<String>,
    /// The body, byte for byte.
    pub text: String,
    /// The same, as JSON.
    pub body: Value,
    /// The decisions that are right; if empty, every valid one.
    pub expected: Vec<Expected>,
}

impl Scene {
    /// A callback with its sample.
    #[must_use]
    pub fn sample(callback: &'static Callback) -> Self {
        Self {
            callback: CallbackKey::of(Some(callback)),
            target: target(callback.command).expect("a test sends every callback"),
            name: None,
            text: callback.sample.to_owned(),
            body: serde_json::from_str(callback.sample).expect("a test reads every sample"),
            expected: Vec::new(),
        }
    }

    /// The callback that a body names, or else `command`. The body is sent unchanged, except for a missing or empty
    /// command.
    ///
    /// # Errors
    /// The body is no JSON object, or is of another callback, or none is named.
    pub fn of_body(text: &str, command: Option<&str>) -> Result<Self, String> {
        let mut body: Value = serde_json::from_str(text).map_err(|e| format!("no JSON: {e}"))?;
        let object = body.as_object_mut().ok_or("no JSON object")?;
        let own = match object.get(COMMAND) {
            None | Some(Value::Null) => None,
            Some(Value::String(own)) => Some(own.clone()).filter(|own| !own.is_empty()),
            Some(_) => return Err(format!("its {COMMAND} is no text")),
        };
        let mut text = text.to_owned();
        let named = match (own, command) {
            (Some(own), _) => own,
            (None, Some(command)) => {
                // The last member of a key counts, and an empty command is one.
                let end = text.rfind('}').expect("an object ends with it");
                let comma = if object.is_empty() { "" } else { "," };
                text.replace_range(
                    end..,
                    &format!("{comma}\"{COMMAND}\":{}}}", Value::from(command)),
                );
                object.insert(COMMAND.to_owned(), command.into());
                command.to_owned()
            }
            (None, None) => {
                return Err(format!("it has no {COMMAND}, and nothing else names its callback"));
            }
        };
        let callback = contract::find(&named);
        match command {
            Some(command) if !is_same(command, &named) => {
                Err(format!("its {COMMAND} is {named}, which is not {command}"))
            }
            _ => Ok(Self {
                callback: CallbackKey::of(callback),
                target: target(&named)?,
                name: None,
                text,
                body,
                expected: Vec::new(),
            }),
        }
    }

    /// The cases of a file, and the callbacks that have none.
    ///
    /// # Errors
    /// The body of a case has a member that its callback does not.
    pub fn of_expectations(expectations: Expectations) -> Result<Vec<Self>, String> {
        let Expectations { cases, others } = expectations;
        let has_case = |c: &Callback| cases.iter().any(|case| case.callback.rpc == c.rpc);
        let other = |callback| Self { expected: others.clone(), ..Self::sample(callback) };
        let rest: Vec<_> = match others.is_empty() {
            true => Vec::new(),
            false => CALLBACKS.iter().filter(|c| !has_case(c)).map(other).collect(),
        };
        cases.into_iter().map(Self::of_case).chain(rest.into_iter().map(Ok)).collect()
    }

    fn of_case(case: Case) -> Result<Self, String> {
        let mut scene = Self::sample(case.callback);
        let members = scene.body.as_object_mut().expect("a sample is an object");
        let known = case.callback.members;
        for (key, value) in case.body {
            // It would be ignored, so the case would test nothing.
            if !known.contains(&&*key) {
                let (name, guess) = (case.name, suggest(&key, known.iter().copied()));
                return Err(format!("case `{name}`: {} has no `{key}`{guess}", scene.callback));
            }
            members.insert(key, value);
        }
        let text = scene.body.to_string();
        Ok(Self { name: Some(case.name), text, expected: vec![case.decision], ..scene })
    }

    /// True if it is of one of these callbacks.
    #[must_use]
    pub fn is_of(&self, callbacks: &[&Callback]) -> bool {
        callbacks.iter().any(|callback| CallbackKey::of(Some(callback)) == self.callback)
    }

    /// The callback's key, with the rule that it shows.
    #[must_use]
    pub fn label(&self) -> String {
        match &self.name {
            Some(name) => format!("{}: {}", self.callback, shown(name)),
            None => self.callback.to_string(),
        }
    }

    /// True if an outcome is valid and, where something is expected, as expected.
    #[must_use]
    pub fn accepts(&self, outcome: &Outcome) -> bool {
        let met = self.expected.iter().any(|expected| expected.is_met_by(&outcome.decision));
        outcome.valid && (met || self.expected.is_empty())
    }

    /// The request that OpenIM would send.
    pub(super) fn request(&self) -> Request<Full<Bytes>> {
        let body = Full::from(self.text.clone());
        Request::post(&self.target).header("operationID", "play").body(body).expect("a valid URL")
    }
}

/// True if two commands are of one callback.
fn is_same(one: &str, other: &str) -> bool {
    match (contract::find(one), contract::find(other)) {
        (Some(one), Some(other)) => one.rpc == other.rpc,
        _ => one == other,
    }
}

/// As OpenIM's servers send since v3.4.2.
fn target(command: &str) -> Result<Uri, String> {
    let target = format!("/callbackExample/{command}");
    target.parse().map_err(|e| format!("`{command}` can't be in a URL: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_of_its_callback() {
        for callback in &CALLBACKS {
            let scene = Scene::of_body(callback.sample, Some(callback.command));
            assert_eq!(scene.map(|scene| scene.callback), Ok(CallbackKey::of(Some(callback))));
        }
    }

    #[test]
    fn a_long_name_is_cut_off() {
        let name = Some("x".repeat(100_000));
        assert!(Scene { name, ..Scene::sample(&CALLBACKS[0]) }.label().len() < 300);
    }
}
