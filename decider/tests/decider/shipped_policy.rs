//! The policy.yaml that comes with the project loads, and does what its comments say.

use crate::support::decide;
use callback_decider::Policy;
use serde_json::{Value, json};
use std::path::Path;

fn decided(rpc: &str, request: Value) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policy.yaml");
    let policy = Policy::load(&file).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    decide(&policy, rpc, request).unwrap_or_else(|failure| panic!("{failure}"))
}

fn code(response: &Value) -> Option<i64> {
    response.get("denial")?.get("code")?.as_i64()
}

#[test]
fn spaces_around_a_nickname_are_trimmed() {
    for rpc in ["BeforeUpdateUserInfo", "BeforeUpdateUserInfoEx"] {
        let edited = decided(rpc, json!({"user_id": "1", "nickname": " Ann "}));
        assert_eq!(edited, json!({"nickname": "Ann"}));
        assert_eq!(decided(rpc, json!({"user_id": "1", "nickname": "Ann"})), json!({}));
        assert_eq!(decided(rpc, json!({"user_id": "1"})), json!({}));
    }
}

#[test]
fn reserved_and_too_long_nicknames_are_denied() {
    for rpc in ["BeforeUpdateUserInfo", "BeforeUpdateUserInfoEx"] {
        let denied = |nickname: &str| code(&decided(rpc, json!({"nickname": nickname})));
        assert_eq!(denied(" ADMIN "), Some(5001));
        assert_eq!(denied("administrate"), None);
        assert_eq!(denied(&"ü".repeat(24)), None);
        assert_eq!(denied(&"ü".repeat(25)), Some(5002));
    }
}

#[test]
fn nicknames_are_trimmed_and_checked_at_registration() {
    let registered = |nickname: &str| {
        let users =
            json!([{"user_id": "1", "nickname": "Ann"}, {"user_id": "2", "nickname": nickname}]);
        decided("BeforeUserRegister", json!({"users": users}))
    };
    assert_eq!(registered("Bob"), json!({}));
    assert_eq!(registered(" Bob"), json!({"users": [{"user_id": "2", "nickname": "Bob"}]}));
    assert_eq!(code(&registered(" Root")), Some(5001));
    assert_eq!(code(&registered(&"x".repeat(25))), Some(5002));
}

#[test]
fn texts_with_links_are_denied() {
    for rpc in ["BeforeSendSingleMsg", "BeforeSendGroupMsg"] {
        let sent = |content_type: i32, content: &str| {
            let msg = json!({"content_type": content_type, "content": content});
            code(&decided(rpc, json!({"msg": msg})))
        };
        assert_eq!(sent(101, r#"{"content":"see HTTPS://example.org"}"#), Some(5004));
        assert_eq!(sent(106, r#"{"text":"@Ann www.example.org"}"#), Some(5004));
        assert_eq!(sent(101, r#"{"content":"see https:\/\/example.org"}"#), Some(5004));
        assert_eq!(sent(101, "https://example.org"), Some(5004));
        assert_eq!(sent(101, r#"{"content":"hello"}"#), None);
        assert_eq!(sent(102, r#"{"sourcePicture":{"url":"https://example.org"}}"#), None);
    }
}

#[test]
fn words_are_masked_in_texts_that_stay_json() {
    let modified = |content: &str| {
        let msg = json!({"content_type": 101, "content": content});
        decided("BeforeMsgModify", json!({"msg": msg}))
    };
    let masked = json!({"content": r#"{"content":"the ******!\n"}"#});
    assert_eq!(modified(r#"{"content":"the C\u0061sino!\n"}"#), masked);
    assert_eq!(modified(r#"{"content":"hello"}"#), json!({}));
}
