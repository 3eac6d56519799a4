//! Decisions as an expectation file.

use serde_json::{Map, Value};
use serde_saphyr::ser_options;

use super::decision::{Decision, Outcome};
use super::expectations::{Case, Expectations, Expected};
use super::scene::Scene;
use crate::openim::contract::Callback;
use crate::openim::json::COMMAND;

/// The decisions of a run, each as a case that it meets.
#[derive(Debug)]
pub struct Recording {
    expectations: Expectations,
    left_out: Vec<String>,
}

impl Default for Recording {
    fn default() -> Self {
        let expectations = Expectations { cases: Vec::new(), others: Vec::new() };
        Self { expectations, left_out: Vec::new() }
    }
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
    let callback = scene.contract().ok_or("the contract does not know it")?;
    let expected = Expected::exactly(&outcome.decision).filter(|_| outcome.valid);
    let decision = expected.ok_or_else(|| match &outcome.decision {
        Decision::Failed(_) => outcome.decision.to_string(),
        _ => outcome.notes.join("; "),
    })?;
    let name = scene.name.clone().unwrap_or_else(|| "recorded".to_owned());
    Ok(Case { name, callback, body: body(callback, &scene.body), decision })
}

/// The members by which a body differs from the sample; null stands for one that it lacks, as it does for OpenIM. Those
/// that the sample lacks are ignored by the gateway.
fn body(callback: &Callback, body: &Value) -> Map<String, Value> {
    let sample: Map<String, Value> =
        serde_json::from_str(callback.sample).expect("a test reads every sample");
    let members = sample.into_iter().filter(|(key, _)| key != COMMAND);
    let sent = members.map(|(key, of_sample)| {
        let value = body.get(&key).cloned().unwrap_or_default();
        (value != of_sample).then_some((key, value))
    });
    sent.flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Users choose what a body and its edits hold.
        #[test]
        fn any_text_survives_its_recording(text in r"(?s)(.|[ \n\t:#-]){0,20}", repeated in 1..50_usize) {
            let text = text.repeat(repeated);
            let body = serde_json::json!({ "callbackCommand": "callbackBeforeAddBlackCommand", "ownerUserID": text });
            let scene = Scene::of_body(&body.to_string(), None).expect("a body");
            let decision = Decision::Deny { code: 5001, message: text.clone(), reason: text.clone() };
            let outcome = Outcome { decision, notes: Vec::new(), valid: true, took: Duration::ZERO };
            let mut recording = Recording::default();
            recording.add(&scene, &outcome);
            let yaml = recording.to_yaml().expect("YAML");
            let expectations = serde_saphyr::from_str(&yaml).expect("expectations");
            let recorded = Scene::of_expectations(expectations).expect("cases").remove(0);
            prop_assert!(recorded.accepts(&outcome), "{}", yaml);
            prop_assert_eq!(&recorded.body["ownerUserID"], &text, "{}", yaml);
        }
    }
}
