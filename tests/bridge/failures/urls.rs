//! Requests whose URL names no callback, or another than the body.

use harness::{Decider, Gateway, Request, STYLES, Style};
use serde_json::json;

use super::requests::{body, open};
use super::{ADD_BLACK, REGISTER};

#[test]
fn a_url_without_a_command_is_refused() {
    let fixture = open();
    for url in ["/", "//", "/callbackExample/", "/?contenttype=json"] {
        fixture.refuses(
            &Request::post(url, body(ADD_BLACK)),
            Style::Path,
            404,
            "names no callback",
        );
    }
    for url in ["/x?command=", "/x?command", "/x?a=b&command=&c=d"] {
        fixture.refuses(
            &Request::post(url, body(ADD_BLACK)),
            Style::Query,
            404,
            "names no callback",
        );
    }
}

#[test]
fn a_command_with_other_characters_is_refused() {
    let fixture = open();
    let long = "x".repeat(129);
    for command in ["a-b", "a.b", "a%20b", "%00", "a;b", "%E4%B8%96", "a+b", &long] {
        for style in STYLES {
            let url = Request::callback(style, command, &json!({})).target;
            fixture.refuses(
                &Request::post(url, body(command)),
                style,
                400,
                "letters, digits or underscores",
            );
        }
    }
}

#[test]
fn two_commands_are_refused() {
    let fixture = open();
    for url in [
        format!("/?command={ADD_BLACK}&command={ADD_BLACK}"),
        format!("/?command={ADD_BLACK}&command={REGISTER}"),
        format!("/?command={ADD_BLACK}&comm%61nd=x"),
    ] {
        fixture.refuses(
            &Request::post(url, body(ADD_BLACK)),
            Style::Query,
            400,
            "more than one command",
        );
    }
}

#[test]
fn a_body_of_another_callback_is_refused() {
    let fixture = open();
    for other in [REGISTER, "callbackBeforeAddBlackcommand", "nothing", "", " "] {
        for style in STYLES {
            let url = Request::callback(style, ADD_BLACK, &json!({})).target;
            fixture.refuses(&Request::post(url, body(other)), style, 400, ADD_BLACK);
        }
    }
}

#[test]
fn a_body_of_the_same_callback_by_another_name_agrees() {
    let decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), "");
    let names = [REGISTER, "userRegisterBeforeCommand"];
    for (url, body_s) in [(names[0], names[1]), (names[1], names[0]), (names[1], names[1])] {
        for style in STYLES {
            let url = Request::callback(style, url, &json!({})).target;
            assert!(gateway.send(&Request::post(url, body(body_s))).verdict(style).is_allow());
        }
    }
}

#[test]
fn a_url_with_a_query_in_openim_s_configuration_is_refused_with_advice() {
    let fixture = open();
    let advice = "must not have a query";
    for url in [
        format!("/hook?token=x/{ADD_BLACK}"),
        format!("/hook/{REGISTER}?token=x/{ADD_BLACK}"),
        format!("/hook?a=b&token=x/{ADD_BLACK}?contenttype=json"),
    ] {
        fixture.refuses(&Request::post(url, body(ADD_BLACK)), Style::Path, 400, advice);
    }
}

#[test]
fn another_method_than_post_is_refused() {
    let fixture = open();
    for method in ["GET", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "post", "BREW"] {
        for style in STYLES {
            let mut request = Request::callback(style, ADD_BLACK, &json!({}));
            request.method = method.to_owned();
            let response = fixture.gateway.send(&request);
            fixture.assert_refused(&response, style, 405, "by POST");
            assert_eq!(response.headers["allow"], "POST");
        }
    }
    let mut request = Request::post("example.com:443", "");
    request.method = "CONNECT".to_owned();
    fixture.refuses(&request, Style::Path, 405, "by POST");
}

#[test]
fn any_prefix_and_any_content_type_will_do() {
    let fixture = open();
    for (style, url) in [
        (Style::Path, format!("/{ADD_BLACK}")),
        (Style::Path, format!("//{ADD_BLACK}")),
        (Style::Path, format!("/a/b%20c/{ADD_BLACK}?contenttype=json")),
        (Style::Path, format!("http://somewhere/hook/{ADD_BLACK}")),
        (Style::Path, format!("/{ADD_BLACK}?key=e30%3D&Command=x")),
        (Style::Query, format!("/?command={ADD_BLACK}")),
        (Style::Query, format!("/a/b?x=y&command={ADD_BLACK}")),
        (Style::Query, format!("/{REGISTER}?command={ADD_BLACK}")),
    ] {
        let request = Request::post(url, body(ADD_BLACK)).header("Content-Type", "text/xml");
        let response = fixture.gateway.send(&request);
        assert!(response.verdict(style).is_allow(), "{request:?} {response:?}");
    }
}
