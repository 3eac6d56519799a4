//! Decisions that are recorded as expectations.

use callback_gateway::play::{Expectations, Recording, Scene};
use harness::{Decider, Says};
use serde_json::{Value, json};
use tonic::Status;

use super::{play, played, rename};

#[test]
fn a_recorded_decision_is_met_by_itself_and_by_no_other() {
    let texts = [
        "",
        " a\n b\t",
        "a\n\n",
        "~",
        "yes",
        "0x1F",
        "1e3",
        "- a: {b}",
        "#",
        "\u{3000}\u{85}\u{2028}",
        "{\"a\":1}",
    ];
    for text in texts {
        let answers = [
            json!({"content": json!({ "text": text }).to_string(), "ex": text, "offlinePushInfo": {"title": text}}),
            json!({"denial": {"code": 5001, "message": text, "detail": "long", "reason": text}}),
            json!({"denial": {"code": 5001, "message": text, "reason": text}}),
            json!({}),
        ];
        let body = json!({"callbackCommand": "callbackBeforeMsgModifyCommand", "sendID": text,
            "content": "{}", "contentType": 101, "options": {"history": true}, "more": text});
        let scene = Scene::of_body(&body.to_string(), None).expect("a body");
        let outcomes = answers.map(|says| {
            played(&Decider::saying(says).url(), "", std::slice::from_ref(&scene)).remove(0)
        });
        for (n, outcome) in outcomes.iter().enumerate() {
            let mut recording = Recording::default();
            recording.add(&scene, outcome);
            let yaml = recording.to_yaml().expect("YAML");
            let expectations =
                Expectations::from_yaml(&yaml).unwrap_or_else(|e| panic!("{yaml}: {e}"));
            let recorded = Scene::of_expectations(expectations).expect("cases").remove(0);
            let accepted = outcomes.each_ref().map(|outcome| recorded.accepts(outcome));
            let mut expected = [false; 4];
            expected[n] = true;
            assert_eq!(accepted, expected, "{yaml}");
            assert_eq!(recorded.body["sendID"], text, "{yaml}");
            assert_eq!(recorded.body["groupID"], Value::Null, "the body does not have it: {yaml}");
            assert!(!yaml.contains("contentType") && !yaml.contains("more"), "{yaml}");
        }
    }
}

#[test]
fn what_is_invalid_failed_or_unknown_is_not_recorded() {
    let unknown = json!({"callbackCommand": "callbackNew"});
    for (answer, body, why) in [
        (Status::internal("a bug").into(), rename(), "a bug"),
        (Says::from(json!({"denial": {"code": 42}})), rename(), "42 is no refusal code"),
        (Says::from(json!({})), unknown, "the contract does not know it"),
    ] {
        let outcome = play(&Decider::saying(answer).url(), "", &body);
        let mut recording = Recording::default();
        recording.add(&Scene::of_body(&body.to_string(), None).expect("a body"), &outcome);
        assert!(recording.is_empty() && recording.left_out()[0].contains(why), "{recording:?}");
    }
}

#[test]
fn a_body_has_every_member_of_the_contract() {
    let decider = Decider::start(|asked| match asked.request["secret"].as_str() {
        Some("invited") => json!({}),
        _ => json!({"denial": {"code": 5001}}),
    });
    for secret in ["invited", "s3cret"] {
        let body =
            json!({"callbackCommand": "callbackBeforeUserRegisterCommand", "secret": secret});
        let scene = Scene::of_body(&body.to_string(), None).expect("a body");
        let mut recording = Recording::default();
        recording.add(&scene, &play(&decider.url(), "", &body));
        let yaml = recording.to_yaml().expect("YAML");
        let expectations = Expectations::from_yaml(&yaml).expect("expectations");
        let recorded = Scene::of_expectations(expectations).expect("cases");
        let again = played(&decider.url(), "", &recorded).remove(0);
        assert!(recorded[0].accepts(&again), "{yaml}: {again:?}");
    }
}
