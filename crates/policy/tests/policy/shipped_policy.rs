//! The policy.yaml that comes with the project loads, and does what its comments say.

use crate::support::decide;
use policy::Policy;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::LazyLock;

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy.yaml");
    Policy::load(&file).unwrap_or_else(|mistakes| panic!("{mistakes}"))
});

fn decided(rpc: &str, request: Value) -> Value {
    decide(&POLICY, rpc, request).unwrap_or_else(|failure| panic!("{failure}"))
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
fn thousands_can_be_registered_in_one_call() {
    let user = |id: usize| json!({"user_id": id.to_string(), "nickname": " Ann "});
    let users: Vec<_> = (0..4_000).map(user).collect();
    let edited = decided("BeforeUserRegister", json!({"users": users}));
    assert_eq!(edited["users"].as_array().map(Vec::len), Some(4_000));
}

/// The code for a message of this type, which is the same to a user and to a group.
fn sent(content_type: i32, content: &str) -> Option<i64> {
    let msg = json!({"content_type": content_type, "content": content});
    let code = |rpc| code(&decided(rpc, json!({"msg": msg})));
    let single = code("BeforeSendSingleMsg");
    assert_eq!(single, code("BeforeSendGroupMsg"));
    single
}

/// The content types that the link filter is for, and the member that holds each one's text.
const TEXTS: [(i32, &str); 4] = [(101, "content"), (106, "text"), (114, "text"), (117, "text")];

#[test]
fn texts_with_links_are_denied_however_json_writes_them() {
    for text in [
        "http://evil.com",
        "see HTTPS://evil.com",
        "www.evil.com",
        r"hello\nhttp://evil.com",
        r"hello\thttp://evil.com",
        r"hello\u0000http://evil.com",
        r"hello\nwww.evil.com",
        r"hello\twww.evil.com",
        r"hello\u0000www.evil.com",
        "xhttp://evil.com",
        "看www.evil.com",
        r"https:\/\/evil.com",
        r"\u0068ttp\u003a//evil.com",
        // Texts that only other readers of JSON take.
        r"http:\/\/evil.com \ud800",
        "\nhttp://evil.com",
    ] {
        for (content_type, member) in TEXTS {
            let content = format!(r#"{{"{member}":"{text}"}}"#);
            assert_eq!(sent(content_type, &content), Some(5004), "{content}");
        }
    }
}

#[test]
fn a_link_can_not_hide_in_what_is_no_ordinary_content() {
    let deep = "[".repeat(1_000) + &"]".repeat(1_000);
    for content in [
        "https://evil.com".to_owned(),
        r#"["http:\/\/evil.com"]"#.to_owned(),
        r#"{"content":["http:\/\/evil.com"],"text":{"x":"http:\/\/evil.com"}}"#.to_owned(),
        // Go leaves a text as it was for a null, and joins an object that comes twice.
        r#"{"content":"http:\/\/evil.com","content":null}"#.to_owned(),
        r#"{"x":{"text":"http:\/\/evil.com"},"x":{}}"#.to_owned(),
        r#"{"content":"a","text":"b","Content":"http:\/\/evil.com"}"#.to_owned(),
        r#"{"content":"http:\/\/evil.com","text":"www\u002eevil.com","n":1e999}"#.to_owned(),
        format!(r#"{{"content":"http:\/\/evil.com","x":{deep}}}"#),
        r#"{"text":"a","quoteMessage":{"textElem":{"content":"http:\/\/evil.com"}}}"#.to_owned(),
    ] {
        for (content_type, _) in TEXTS {
            assert_eq!(sent(content_type, &content), Some(5004), "{content:.80}");
        }
    }
}

#[test]
fn what_is_no_link_in_a_text_is_allowed() {
    for (content_type, member) in TEXTS {
        for text in ["hello", "awww. http is a protocol", r"a\nb", ""] {
            assert_eq!(sent(content_type, &format!(r#"{{"{member}":"{text}"}}"#)), None, "{text}");
        }
    }
    let quote = r#"{"text":"yes","quoteMessage":{"senderFaceUrl":"https://example.org/ann.png"}}"#;
    assert_eq!(sent(106, quote), None);
    assert_eq!(sent(114, quote), None);
    assert_eq!(sent(102, r#"{"sourcePicture":{"url":"https://example.org"}}"#), None);
}

#[test]
fn words_are_masked_in_texts_that_stay_json() {
    let modified = |content: &str| {
        let msg = json!({"content_type": 101, "content": content});
        decided("BeforeMsgModify", json!({"msg": msg}))
    };
    let masked = json!({"content": r#"{"content":"the ******!\n"}"#});
    assert_eq!(modified(r#"{"content":"the C\u0061sino!\n"}"#), masked);
    assert_eq!(modified(r#"{"Content":"the casino!\n","Content":null}"#), masked);
    assert_eq!(modified(r#"{"content":"hello"}"#), json!({}));
    let whole = json!({"content": r#"{"content":"\"******\""}"#});
    assert_eq!(modified(r#""c\u0061sino""#), whole);
    let whole = json!({"content": "{\"content\":\"{\\\"content\\\":\\\"****** \u{fffd}\\\"}\"}"});
    assert_eq!(modified(r#"{"content":"casino \ud800"}"#), whole);
}

#[test]
fn no_content_makes_a_rule_fail() {
    for content in [
        "",
        "no JSON",
        "null",
        "1e999",
        "[]",
        "[1]",
        "\"text\"",
        "{}",
        r#"{"content":1}"#,
        r#"{"content":null}"#,
        r#"{"content":{"a":[]}}"#,
        r#"{"content":"\ud800"}"#,
        "{",
        "\\",
        "\\u",
    ] {
        for rpc in ["BeforeSendSingleMsg", "BeforeSendGroupMsg", "BeforeMsgModify"] {
            for content_type in 101..=117 {
                let msg = json!({"content_type": content_type, "content": content});
                assert_eq!(decided(rpc, json!({"msg": msg})), json!({}), "{content}");
            }
        }
    }
}
