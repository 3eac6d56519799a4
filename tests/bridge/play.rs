//! The outcomes of `play` before deciders with every kind of answer.

mod edits;
mod recording;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use callback_decider::serve::Server;
use callback_gateway::commands::play::player;
use callback_gateway::openim::contract::{CALLBACKS, Kind};
use callback_gateway::openim::key::by_any_name;
use callback_gateway::play::{Decision, Edits, Expectations, Outcome, Recording, Scene};
use callback_gateway::settings::Settings;
use harness::{Decider, Port, Says};
use policy::Policy;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tonic::Status;

/// The outcome of a body, with these further settings of the gateway.
fn play(decider: &str, settings: &str, body: &Value) -> Outcome {
    let scene = Scene::of_body(&body.to_string(), None).expect("a body of a callback");
    played(decider, settings, &[scene]).remove(0)
}

#[tokio::main(flavor = "current_thread")]
async fn played(decider: &str, settings: &str, scenes: &[Scene]) -> Vec<Outcome> {
    let settings = Settings::from_toml(&format!("decider.endpoints = ['{decider}']\n{settings}"));
    let player = player(settings.expect("valid settings")).expect("no files");
    let mut outcomes = Vec::new();
    for scene in scenes {
        outcomes.push(player.play(scene).await);
    }
    outcomes
}

/// The outcome of a new nickname with this answer.
fn renamed(answer: impl Into<Says>) -> Outcome {
    play(&Decider::saying(answer).url(), "", &rename())
}

fn rename() -> Value {
    json!({"callbackCommand": "callbackBeforeUpdateUserInfoExCommand", "userID": "u1",
        "nickName": " Ann", "faceURL": null})
}

fn edits_of(outcome: &Outcome) -> &Edits {
    match &outcome.decision {
        Decision::Edit(edits) => edits,
        other => panic!("no edit: {other}"),
    }
}

/// The values that an outcome's edits give to OpenIM.
fn edited(outcome: &Outcome) -> Value {
    edits_of(outcome).values.clone().into()
}

#[test]
fn every_callback_is_played_and_what_it_sends_back_is_no_edit() {
    let decider = Decider::allowing();
    let scenes: Vec<_> = CALLBACKS.iter().map(Scene::sample).collect();
    for (scene, outcome) in scenes.iter().zip(played(&decider.url(), "", &scenes)) {
        assert!(matches!(outcome.decision, Decision::Allow), "{}", scene.callback);
        assert!(scene.accepts(&outcome) && outcome.notes.is_empty(), "{}", scene.callback);
    }
    let asked: Vec<_> = decider.asked().into_iter().map(|asked| asked.rpc).collect();
    assert_eq!(asked, CALLBACKS.each_ref().map(|callback| callback.name));
}

#[test]
fn an_edit_to_empty_is_an_edit() {
    let body = json!({"callbackCommand": "callbackBeforeSetGroupInfoExCommand", "groupID": "g1",
        "introduction": null});
    let outcome = play(&Decider::allowing().url(), "", &body);
    let why = "the gateway sends values back all the same";
    assert!(matches!(outcome.decision, Decision::Allow), "{why}");
    let decider = Decider::saying(json!({"introduction": ""}));
    let outcome = play(&decider.url(), "", &body);
    assert_eq!(edited(&outcome), json!({"introduction": ""}));
}

#[tokio::test]
async fn the_example_policy_decides_as_the_examples_must() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let policy = Policy::load(&examples.join("policy.yaml")).expect("a policy");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(Server::default().serve(listener, Arc::new(policy), std::future::pending()));

    let verdicts = fs::read_to_string(examples.join("verdicts.yaml")).expect("a file");
    let expectations = Expectations::from_yaml(&verdicts).expect("expectations");
    let scenes = Scene::of_expectations(expectations).expect("cases");
    let settings = format!("decider.endpoints = ['http://{address}']");
    let player = player(Settings::from_toml(&settings).expect("valid settings")).expect("no files");
    for scene in &scenes {
        let outcome = player.play(scene).await;
        assert!(scene.accepts(&outcome), "{}, {:?}: {outcome:?}", scene.callback, scene.name);
    }
    assert!(scenes.len() > CALLBACKS.len());
}

#[test]
fn edits_and_denials_are_shown_as_openim_gets_them() {
    let outcome = renamed(json!({"nickname": "Ann"}));
    assert_eq!((edited(&outcome), outcome.valid), (json!({"nickName": "Ann"}), true));
    let denial =
        json!({"denial": {"code": 5001, "message": "no", "detail": "why", "reason": "a rule"}});
    let denied = renamed(denial);
    let line = r#"deny 5001 "no" detail="why" reason="a rule""#;
    assert_eq!((denied.decision.line().as_str(), denied.valid), (line, true));
}

#[test]
fn a_reason_is_of_its_own_denial() {
    let decider = Decider::start(|asked| {
        let reason = if asked.rpc == "BeforeAddBlack" { "a rule" } else { "" };
        json!({"denial": {"reason": reason}})
    });
    let scene = |name| Scene::sample(by_any_name(name).expect("a callback"));
    let scenes = [scene("beforeAddBlack"), scene("beforeAddFriend")];
    let reasons = played(&decider.url(), "", &scenes).into_iter().map(|outcome| {
        let Decision::Deny { reason, .. } = outcome.decision else { panic!("it denies") };
        reason
    });
    assert_eq!(reasons.collect::<Vec<_>>(), ["a rule", ""]);
}

#[test]
fn what_is_not_implemented_is_valid_and_what_failed_is_not() {
    let left = renamed(Status::unimplemented("later"));
    assert!(matches!(left.decision, Decision::NotImplemented) && left.valid, "{left:?}");
    let failed = renamed(Status::internal("a bug"));
    assert_eq!((failed.decision.line().as_str(), failed.valid), ("failed: Internal: a bug", false));
    assert!(failed.notes.is_empty(), "{failed:?}");
}

#[test]
fn a_status_that_looks_like_a_refusal_is_told_to_be_none() {
    let refused = || Decider::saying(Status::permission_denied("this nickname is reserved"));
    let outcome = play(&refused().url(), "", &rename());
    assert!(outcome.notes[0].contains("answer with a denial"), "{outcome:?}");
    let after = CALLBACKS.iter().find(|c| c.kind == Kind::After).expect("one");
    let told = played(&refused().url(), "", &[Scene::sample(after)]).remove(0);
    assert!(told.notes.is_empty() && !told.valid, "there is nothing to refuse: {told:?}");
}

#[test]
fn what_is_told_afterwards_can_fail_too() {
    let decider = Decider::saying(Status::internal("a bug"));
    let after: Vec<_> = CALLBACKS.iter().filter(|c| c.kind == Kind::After).collect();
    let scenes: Vec<_> = after.into_iter().map(Scene::sample).collect();
    for outcome in played(&decider.url(), "", &scenes) {
        assert_eq!(outcome.decision.to_string(), "failed: Internal: a bug");
    }
}

#[test]
fn a_wrong_answer_is_explained() {
    let body = json!({"callbackCommand": "callbackBeforeMsgModifyCommand", "content": "{}"});
    let decider = Decider::saying(json!({"content": "no object"}));
    let outcome = play(&decider.url(), "", &body);
    let why = "failed: wrong answer: content holds no JSON object";
    assert_eq!((outcome.decision.line().as_str(), outcome.valid), (why, false));
}

#[test]
fn a_code_that_openim_does_not_want_is_not_valid() {
    let outcome = renamed(json!({"denial": {"code": 42}}));
    assert!(matches!(outcome.decision, Decision::Deny { code: 5000, .. }), "{outcome:?}");
    assert!(!outcome.valid && outcome.notes[0].contains("42"), "{outcome:?}");
}

#[test]
fn an_edit_that_the_gateway_leaves_out_is_told() {
    let outcome = renamed(json!({"faceURL": "a.png"}));
    assert!(matches!(outcome.decision, Decision::Allow) && !outcome.valid, "{outcome:?}");
    assert!(outcome.notes[0].contains("face_url"), "{:?}", outcome.notes);
}

#[test]
fn a_decider_that_says_nothing_fails_at_the_deadline() {
    let decider = Decider::saying(Says::Nothing);
    let outcome = play(&decider.url(), "[defaults]\ndeadline = '50ms'", &rename());
    assert!(matches!(&outcome.decision, Decision::Failed(why) if why.contains("deadline")));
    assert!(outcome.took >= Duration::from_millis(50));
}

#[test]
fn no_circuit_hides_the_next_answer() {
    let down = Port::free();
    let scenes = vec![Scene::sample(&CALLBACKS[0]); 50];
    for outcome in played(&down.url(), "", &scenes) {
        let Decision::Failed(why) = outcome.decision else { panic!("nobody listens") };
        assert!(why.contains("refused"), "{why}");
    }
}

#[test]
fn a_name_that_is_not_found_is_told() {
    let outcome = play("http://decider.invalid:50051", "", &rename());
    let Decision::Failed(why) = outcome.decision else { panic!("there is no such host") };
    assert!(why.contains("can't resolve decider.invalid"), "{why}");
}

#[test]
fn callers_are_not_asked_who_they_are_and_an_answer_of_the_settings_is_no_decision() {
    let settings =
        "[callers]\nnetworks = ['10.0.0.0/8']\n[callbacks.beforeUpdateUserInfoEx]\nanswer = 'deny'";
    let outcome = play(&Decider::allowing().url(), settings, &rename());
    assert_eq!(outcome.decision.to_string(), "answered by the settings: deny");
    let mut scene = Scene::of_body(&rename().to_string(), None).expect("a body");
    assert!(scene.accepts(&outcome), "nothing is expected");
    let mut recording = Recording::default();
    recording.add(&scene, &outcome);
    assert!(recording.is_empty() && recording.left_out()[0].contains("settings"), "{recording:?}");
    for expected in ["allow", "deny: {}", "not_implemented"] {
        scene.expected = vec![serde_saphyr::from_str(expected).expect("an expectation")];
        assert!(!scene.accepts(&outcome), "{expected}");
    }
}

#[test]
fn a_command_that_the_contract_does_not_know_is_played_too() {
    let decider = Decider::saying(json!({"edits": "{\"colour\":\"red\"}"}));
    let outcome = play(&decider.url(), "", &json!({"callbackCommand": "callbackNew"}));
    assert_eq!(edited(&outcome), json!({"colour": "red"}));
}

#[test]
fn a_body_says_what_it_is_or_its_sender_does() {
    let add_black = || Some("callbackBeforeAddBlackCommand");
    let other = Scene::of_body(&rename().to_string(), add_black()).expect_err("another callback");
    assert!(other.contains("callbackBeforeUpdateUserInfoExCommand"), "{other}");
    assert!(Scene::of_body("{}", None).expect_err("nobody says").contains("nothing else names"));
    assert!(Scene::of_body("[]", add_black()).is_err());
    assert!(Scene::of_body(r#"{"callbackCommand": "no url/\u0000 "}"#, None).is_err());
    let named = Scene::of_body("{}", add_black()).expect("its sender says");
    assert_eq!(named.body, json!({"callbackCommand": "callbackBeforeAddBlackCommand"}));
    assert_eq!(named.text, named.body.to_string());
    let text = "{ \"seq\": 123456789012345678901, \"callbackCommand\": \"callbackNew\" }";
    let scene = Scene::of_body(text, None).expect("a body");
    assert_eq!((scene.text.as_str(), scene.callback.as_str()), (text, "unknown"));
}
