//! Decisions as an expectation file.

use serde_json::{Map, Value};
use serde_saphyr::ser_options;

use super::decision::{Decision, Outcome};
use super::expectations::{Case, Expectations, Expected};
use super::scene::Scene;
use crate::openim::contract::Callback;

/// The levels of a member of a body. A file of expectations has 64 at most, some of them around the body.
const DEPTH: usize = 50;

/// The decisions of a run, each as a case that it meets.
#[derive(Debug, Default)]
pub struct Recording {
    expectations: Expectations,
    left_out: Vec<String>,
}

impl Recording {
    /// Adds a decision, unless nothing could expect it.
    pub fn add(&mut self, scene: &Scene, outcome: &Outcome) {
        match case(scene, outcome) {
            Ok(case) => self.expectations.cases.push(case),
            Err(why) => self.left_out.push(format!("{}: {why}", scene.label())),
        }
    }

    /// The number of cases.
    #[must_use]
    pub fn len(&self) -> usize {
        self.expectations.cases.len()
    }

    /// True if it has no case.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expectations.cases.is_empty()
    }

    /// The callbacks that were left out, each with the reason.
    #[must_use]
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// The file's text.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn to_yaml(&self) -> Result<String, serde_saphyr::ser::Error> {
        // A text in quotes survives whatever follows it; the end of a block would be the end of the file.
        let options = ser_options! { prefer_block_scalars: false };
        Ok(serde_saphyr::to_string_with_options(&self.expectations, options)? + "\n")
    }
}

fn case(scene: &Scene, outcome: &Outcome) -> Result<Case, String> {
    let callback = scene.callback.callback().ok_or("the contract does not know it")?;
    let expected = Expected::exactly(&outcome.decision).filter(|_| outcome.valid);
    let decision = expected.ok_or_else(|| match &outcome.decision {
        Decision::Failed(_) | Decision::Answered(_) => outcome.decision.to_string(),
        _ => outcome.notes.join("; "),
    })?;
    let name = scene.name.clone().unwrap_or_else(|| "recorded".to_owned());
    let body = body(callback, &scene.body);
    if body.values().any(|value| depth(value) > DEPTH) {
        return Err(format!("its body has more than {DEPTH} levels"));
    }
    Ok(Case { name, callback, body, decision })
}

/// The members by which a body differs from the sample; null stands for one that it lacks, as it does for OpenIM. The
/// gateway ignores those that the contract does not have.
fn body(callback: &Callback, body: &Value) -> Map<String, Value> {
    let sample: Value = serde_json::from_str(callback.sample).expect("a test reads every sample");
    let differing = callback.members.iter().filter(|key| body[**key] != sample[**key]);
    differing.map(|key| ((*key).to_owned(), body[*key].clone())).collect()
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::openim::contract::CALLBACKS;

    /// Users choose what a body and its edits hold.
    fn json() -> impl Strategy<Value = Value> {
        let text = || r"(?s)(.|[ \n\t:#<-]){0,20}";
        let leaf = prop_oneof![
            (text(), 1..50_usize).prop_map(|(text, count)| text.repeat(count).into()),
            any::<i64>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            Just(Value::Null),
        ];
        leaf.prop_recursive(3, 12, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(text(), inner, 0..4)
                    .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
            ]
        })
    }

    #[test]
    fn a_body_that_is_too_deep_to_be_read_again_is_left_out() {
        let record = |levels: usize| {
            let users = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
            let text = format!(
                r#"{{"callbackCommand": "callbackBeforeUserRegisterCommand", "users": {users}}}"#
            );
            let scene = Scene::of_body(&text, None).expect("a body");
            let (decision, took) = (Decision::Allow, Duration::ZERO);
            let mut recording = Recording::default();
            recording.add(
                &scene,
                &Outcome { decision, notes: Vec::new(), valid: true, unreachable: false, took },
            );
            recording
        };
        let yaml = record(DEPTH).to_yaml().expect("YAML");
        assert!(Expectations::from_yaml(&yaml).is_ok(), "{yaml}");
        assert!(record(DEPTH + 1).left_out()[0].contains("levels"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn all_of_a_body_and_its_decision_survives_its_recording(
            callback in 0..CALLBACKS.len(),
            values in prop::collection::vec(json(), 1..4),
            text in ".{0,20}",
        ) {
            let callback = &CALLBACKS[callback];
            let members = callback.members.iter().zip(values.iter().cycle());
            let mut body: Map<_, _> = members.map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
            body.insert("callbackCommand".to_owned(), callback.command.into());
            let scene = Scene::of_body(&Value::from(body.clone()).to_string(), None).expect("a body");
            let (message, detail, reason) = (text.clone(), text.clone(), text);
            let decision = Decision::Deny { code: 5001, message, detail, reason };
            let outcome = Outcome { decision, notes: Vec::new(), valid: true, unreachable: false, took: Duration::ZERO };
            let mut recording = Recording::default();
            recording.add(&scene, &outcome);
            let yaml = recording.to_yaml().expect("YAML");
            let expectations = Expectations::from_yaml(&yaml).map_err(|e| TestCaseError::fail(format!("{yaml}: {e}")))?;
            let recorded = Scene::of_expectations(expectations).expect("cases").remove(0);
            prop_assert!(recorded.accepts(&outcome), "{}", yaml);
            for key in callback.members {
                prop_assert_eq!(&recorded.body[key], &body[*key], "{}: {}", key, yaml);
            }
        }
    }
}
