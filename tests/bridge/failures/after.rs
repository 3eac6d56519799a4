//! After-callbacks are delivered, and always allowed.

use harness::{Broken, Decider, Fault, Gateway, Port, Request, STYLES, Says};
use serde_json::json;
use tonic::{Code, Status};

use super::{USER_ONLINE, ask, soon};

const STRICT: &str = "[defaults]\non_failure = 'deny'\non_unimplemented = 'deny'";

#[test]
fn an_after_callback_is_allowed_whatever_the_decider_says() {
    let status = |code| Decider::saying(Status::new(code, "no"));
    for (what, decider) in [
        ("success", Decider::allowing()),
        ("a failure", status(Code::Internal)),
        ("a wrong argument", status(Code::InvalidArgument)),
        ("out of range", status(Code::OutOfRange)),
        ("not implemented", status(Code::Unimplemented)),
        ("no permission", status(Code::PermissionDenied)),
    ] {
        let gateway = Gateway::start(&decider.url(), STRICT);
        let verdict = ask(&gateway, USER_ONLINE, &json!({ "userID": "u1" }));
        assert!(verdict.is_allow(), "{what}: {verdict:?}");
        assert_eq!(decider.asked().len(), 2, "{what}");
    }
}

#[test]
fn an_after_callback_is_allowed_though_nobody_hears_it() {
    let port = Port::free();
    let gateway = Gateway::start(&port.url(), STRICT);
    assert!(ask(&gateway, USER_ONLINE, &json!({})).is_allow());
    for fault in [Fault::CutOff, Fault::message(b"\xff"), Fault::message(vec![0; 5 << 20])] {
        let decider = Broken::always(fault);
        let gateway = Gateway::start(&decider.url(), STRICT);
        assert!(ask(&gateway, USER_ONLINE, &json!({})).is_allow());
    }
}

#[test]
fn an_after_callback_is_allowed_by_the_deadline() {
    let decider = Decider::saying(Says::Nothing);
    let gateway = Gateway::start(&decider.url(), &soon("on_failure = 'deny'"));
    assert!(ask(&gateway, USER_ONLINE, &json!({})).is_allow());
}

#[test]
fn a_malformed_after_callback_is_refused() {
    let decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), "");
    for style in STYLES {
        let wrong_type = gateway.call(style, USER_ONLINE, &json!({ "seq": {} }));
        assert!(wrong_type.verdict(style).is_refuse(), "{wrong_type:?}");
        let mut request = Request::callback(style, USER_ONLINE, &json!({}));
        request.body = b"{".to_vec();
        assert!(gateway.send(&request).verdict(style).is_refuse());
    }
    assert!(decider.asked().is_empty());
}
