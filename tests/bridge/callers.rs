//! Who may call: each credential right, wrong and missing.

use std::fs;
use std::path::PathBuf;

use harness::{Decider, Gateway, Request, STYLES, Style, Verdict, is_callback_id};
use serde_json::json;
use tempfile::TempDir;

const COMMAND: &str = "callbackBeforeAddBlackCommand";
/// `openim:pässword`, as OpenIM sends it.
const BASIC: &str = "Basic b3BlbmltOnDDpHNzd29yZA==";

/// A gateway whose policies allow all they can, before a decider that allows everything.
struct Fixture {
    decider: Decider,
    gateway: Gateway,
    secret: PathBuf,
    _directory: TempDir,
}

impl Fixture {
    /// `SECRET` in the settings is a file that holds this.
    fn new(settings: &str, secret: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("secret");
        fs::write(&path, secret).expect("a file");
        let settings = settings.replace("SECRET", path.to_str().expect("UTF-8"));
        let decider = Decider::allowing();
        let settings = format!("[defaults]\non_failure = 'allow'\n[callers]\n{settings}");
        let gateway = Gateway::start(&decider.url(), &settings);
        Self { decider, gateway, secret: path, _directory: directory }
    }

    fn lets_in(&self, style: Style, request: &Request) {
        assert!(self.gateway.send(request).verdict(style).is_allow());
        assert_eq!(self.decider.take_asked().len(), 1);
    }

    /// Checks that a request is refused in its own style, that the answer holds an id only, and that it is counted by
    /// its missing credential.
    fn keeps_out(&self, style: Style, request: &Request, reason: Reason) {
        let counters = [
            "callbacks_total{callback=\"none\",outcome=\"refused\"}".to_owned(),
            format!("unauthorised_total{{reason=\"{}\"}}", reason.label()),
        ];
        let before = counters.each_ref().map(|counter| self.gateway.metric(counter));
        let response = self.gateway.send(request);
        assert_eq!(response.status, reason.status(), "{response:?}");
        let challenged = response.headers.get("www-authenticate").is_some();
        assert_eq!(challenged, reason == Reason::Basic, "{response:?}");
        match response.verdict(style) {
            Verdict::Refuse { code: 5000, message, detail }
                if message == "the request was refused" && is_callback_id(&detail) => {}
            other => panic!("{other:?}"),
        }
        assert!(self.decider.asked().is_empty(), "the decider was asked");
        let after = counters.each_ref().map(|counter| self.gateway.metric(counter));
        assert_eq!(after, before.map(|count| count + 1.0), "{counters:?}");
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Reason {
    Network,
    PathSecret,
    Basic,
}

impl Reason {
    fn label(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::PathSecret => "path_secret",
            Self::Basic => "basic",
        }
    }

    fn status(self) -> u16 {
        if self == Self::Basic { 401 } else { 403 }
    }
}

fn callback(style: Style) -> Request {
    Request::callback(style, COMMAND, &json!({}))
}

fn at(prefix: &str, style: Style) -> Request {
    let mut request = callback(style);
    request.target.insert_str(0, prefix);
    request
}

fn from(address: &str) -> Request {
    callback(Style::Path).header("X-Forwarded-For", address)
}

#[test]
fn only_who_knows_user_and_password_may_call() {
    let fixture = Fixture::new("basic_file = 'SECRET'", "other:one\nopenim:pässword\n");
    for style in STYLES {
        let with = |value: &str| callback(style).header("Authorization", value);
        fixture.lets_in(style, &with(BASIC));
        fixture.keeps_out(style, &callback(style), Reason::Basic);
        for wrong in ["", "Basic", "Basic AAAA", "Bearer b3BlbmltOnDDpHNzd29yZA==", &BASIC[..20]] {
            fixture.keeps_out(style, &with(wrong), Reason::Basic);
        }
        let twice = with(BASIC).header("Authorization", BASIC);
        fixture.keeps_out(style, &twice, Reason::Basic);
    }
}

#[test]
fn only_who_knows_the_secret_of_the_path_may_call() {
    let fixture = Fixture::new("path_secret_file = 'SECRET'", "s3cret");
    for style in STYLES {
        fixture.lets_in(style, &at("/s3cret", style));
        fixture.lets_in(style, &at("/s3cret/any/prefix", style));
        for wrong in ["", "/s3cre", "/s3crett", "/S3CRET", "/a/s3cret", "//s3cret", "/%733cret"] {
            fixture.keeps_out(style, &at(wrong, style), Reason::PathSecret);
        }
    }
}

#[test]
fn the_secret_of_the_path_is_no_command() {
    let fixture = Fixture::new("path_secret_file = 'SECRET'", "s3cret");
    for target in ["/s3cret", "/s3cret/"] {
        let body = json!({ "callbackCommand": "s3cret" }).to_string();
        let response = fixture.gateway.send(&Request::post(target, body));
        assert_eq!(response.status, 404, "{response:?}");
        assert!(!response.body.contains("s3cret"), "{response:?}");
    }
    assert!(fixture.decider.asked().is_empty());
}

#[test]
fn only_networks_that_are_listed_may_call() {
    let here = Fixture::new("networks = ['10.0.0.0/8', '127.0.0.0/8']", "");
    let elsewhere = Fixture::new("networks = ['10.0.0.0/8']", "");
    for style in STYLES {
        here.lets_in(style, &callback(style));
        elsewhere.keeps_out(style, &callback(style), Reason::Network);
    }
}

#[test]
fn a_forwarded_address_counts_only_if_a_trusted_proxy_says_it() {
    let direct = Fixture::new("networks = ['10.0.0.0/8']", "");
    direct.keeps_out(Style::Path, &from("10.0.0.1"), Reason::Network);

    let settings = "networks = ['10.0.0.0/8']\ntrusted_proxies = ['::ffff:127.0.0.0/104']";
    let proxied = Fixture::new(settings, "");
    for right in ["10.0.0.1", "1.2.3.4, 10.0.0.1", "10.0.0.1, 127.0.0.9", "::ffff:10.0.0.1"] {
        proxied.lets_in(Style::Path, &from(right));
    }
    for wrong in ["1.2.3.4", "10.0.0.1, 1.2.3.4", "10.0.0.1, 1.2.3.4, 127.0.0.9", "10.0.0.1,", "x"]
    {
        proxied.keeps_out(Style::Path, &from(wrong), Reason::Network);
    }
    proxied.keeps_out(Style::Path, &callback(Style::Path), Reason::Network);
    let appended = from("10.0.0.1").header("X-Forwarded-For", "1.2.3.4");
    proxied.keeps_out(Style::Path, &appended, Reason::Network);
}

#[test]
fn a_secret_is_replaced_without_a_restart_and_a_bad_one_is_not_taken() {
    let fixture = Fixture::new("path_secret_file = 'SECRET'", "old");
    let (old, new) = (at("/old", Style::Path), at("/new", Style::Path));
    let replace = |secret: &str| {
        fs::write(&fixture.secret, secret).expect("a file");
        fixture.gateway.refresh();
    };
    replace("old\nnew");
    fixture.lets_in(Style::Path, &old);
    fixture.lets_in(Style::Path, &new);
    replace("new");
    fixture.keeps_out(Style::Path, &old, Reason::PathSecret);
    for bad in ["", "with/slash"] {
        replace(bad);
        fixture.lets_in(Style::Path, &new);
        fixture.keeps_out(Style::Path, &old, Reason::PathSecret);
    }
    fs::remove_file(&fixture.secret).expect("a file");
    fixture.gateway.refresh();
    fixture.lets_in(Style::Path, &new);
    replace("newer");
    fixture.keeps_out(Style::Path, &new, Reason::PathSecret);
}

#[test]
fn a_refused_caller_can_send_its_whole_body_and_the_next_request() {
    let fixture = Fixture::new("path_secret_file = 'SECRET'", "s3cret");
    let mut client = fixture.gateway.connect();
    for _ in 0..2 {
        let large = Request::post("/x", vec![b' '; 4 << 20]);
        assert_eq!(client.send(&large).status, 403);
    }
    assert!(client.send(&at("/s3cret", Style::Path)).verdict(Style::Path).is_allow());
}
