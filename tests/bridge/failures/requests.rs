//! Helpers of tests of requests that are no callback: they are refused, with the reason, and never reach the decider.

use harness::{Decider, Gateway, Request, Response, STYLES, Style, Verdict};
use serde_json::json;

use super::{ADD_BLACK, CODE, MESSAGE, USER_ONLINE};

/// A gateway whose policies allow all they can. A request that is no callback is refused all the same.
pub(crate) struct Fixture {
    decider: Decider,
    pub(crate) gateway: Gateway,
}

impl Fixture {
    pub(crate) fn new(settings: &str) -> Self {
        let decider = Decider::allowing();
        let gateway = Gateway::start(&decider.url(), settings);
        Self { decider, gateway }
    }

    /// Checks that a response refuses, for this reason.
    pub(crate) fn assert_refused(&self, response: &Response, style: Style, status: u16, why: &str) {
        assert_eq!(response.status, status, "{response:?}");
        match response.verdict(style) {
            Verdict::Refuse { code: CODE, message, detail } if message == MESSAGE => {
                assert!(detail.contains(why), "{detail:?} does not say {why:?}");
            }
            other => panic!("{other:?}"),
        }
        assert!(self.decider.asked().is_empty(), "the decider was asked");
    }

    pub(crate) fn refuses(&self, request: &Request, style: Style, status: u16, why: &str) {
        self.assert_refused(&self.gateway.send(request), style, status, why);
    }
}

pub(crate) fn open() -> Fixture {
    Fixture::new("[defaults]\non_failure = 'allow'\non_unimplemented = 'allow'")
}

pub(crate) fn body(command: &str) -> String {
    json!({ "callbackCommand": command }).to_string()
}

#[test]
fn a_rejection_has_the_code_and_the_message_of_its_callback_or_else_of_the_defaults() {
    let fixture = Fixture::new(
        "[defaults]\ncode = 20001\nmessage = 'by default'\n\
         [callbacks.beforeAddBlack]\ncode = 20002\nmessage = 'of its own'",
    );
    for (command, code, message) in [
        (ADD_BLACK, 20002, "of its own"),
        (USER_ONLINE, 20001, "by default"),
        ("no-command", 20001, "by default"),
    ] {
        for style in STYLES {
            let mut request = Request::callback(style, command, &json!({}));
            request.body = b"{".to_vec();
            match fixture.gateway.send(&request).verdict(style) {
                Verdict::Refuse { code: c, message: m, detail } => {
                    assert_eq!((c, &m[..]), (code, message), "{command}");
                    assert!(!detail.is_empty(), "{command}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
