//! TLS and tokens between gateway and decider: trust, access, and files that change.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use harness::{Authority, Decider, Gateway, Guarded, PATIENCE, Style, TlsFiles, Verdict};
use serde_json::json;
use tempfile::TempDir;

const COMMAND: &str = "callbackBeforeAddBlackCommand";
const DEADLINE: Duration = Duration::from_secs(2);

/// The files of both sides.
struct Fixture {
    authority: Authority,
    directory: TempDir,
}

impl Fixture {
    /// A certificate of the decider, and the authority's own.
    fn new() -> Self {
        let fixture = Self {
            authority: Authority::new(),
            directory: tempfile::tempdir().expect("a directory"),
        };
        fixture.write("ca.pem", &fixture.authority.pem());
        fixture.issue(&fixture.authority, "decider");
        fixture
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Replaces a file atomically, as tools that renew certificates do.
    fn write(&self, name: &str, text: &str) {
        let new = self.file("new");
        fs::write(&new, text).expect("a file");
        fs::rename(new, self.file(name)).expect("a file");
    }

    fn issue(&self, authority: &Authority, name: &str) {
        let [certificate, key] = ["pem", "key"].map(|kind| self.file(&format!("{name}.{kind}")));
        authority.issue(&certificate, &key);
    }

    /// The decider's files, with a CA for its clients or without.
    fn tls(&self, client_ca: Option<&str>) -> Option<TlsFiles> {
        let [certificate, key] = ["decider.pem", "decider.key"].map(|name| self.file(name));
        let client_ca = client_ca.map(|name| self.file(name));
        TlsFiles::new("tls-", Some(certificate), Some(key), client_ca).expect("both are set")
    }

    fn decider(&self) -> Decider {
        Decider::guarded(Guarded { tls: self.tls(None), tokens: None })
    }

    /// A gateway with these keys of `[decider]`, files by their names.
    fn gateway(&self, decider: &Decider, files: &[(&str, &str)]) -> Gateway {
        self.gateway_with(decider, files, "")
    }

    fn gateway_with(&self, decider: &Decider, files: &[(&str, &str)], more: &str) -> Gateway {
        let files =
            files.iter().map(|(key, name)| format!("decider.{key} = {:?}", self.file(name)));
        let files: Vec<_> = files.collect();
        let deadline = format!("defaults.deadline = '{}ms'", DEADLINE.as_millis());
        Gateway::start(&decider.url(), &format!("{}\n{more}\n{deadline}", files.join("\n")))
    }
}

fn ask(gateway: &Gateway) -> Verdict {
    gateway.call(Style::Path, COMMAND, &json!({})).verdict(Style::Path)
}

/// Checks that the failure policy answers in time, and that no call reached the decider.
fn is_kept_out(gateway: &Gateway, decider: &Decider) {
    let began = Instant::now();
    assert!(matches!(ask(gateway), Verdict::Refuse { .. }));
    assert!(began.elapsed() < DEADLINE + Duration::from_secs(1), "{:?}", began.elapsed());
    let failed = "callbacks_total{callback=\"beforeAddBlack\",outcome=\"failed_deny\"}";
    assert!(gateway.metric(failed) >= 1.0, "{}", gateway.metrics());
    assert!(decider.asked().is_empty(), "{:?}", decider.asked());
}

/// Calls until it is allowed, or is not, while the files are read again.
fn ask_until_allowed(gateway: &Gateway, allowed: bool) {
    let until = Instant::now() + PATIENCE;
    while ask(gateway).is_allow() != allowed {
        gateway.refresh();
        assert!(Instant::now() < until, "still not allowed = {allowed}");
    }
}

#[test]
fn a_decider_is_trusted_by_its_ca() {
    let fixture = Fixture::new();
    let decider = fixture.decider();
    let gateway = fixture.gateway(&decider, &[("ca", "ca.pem")]);
    assert!(ask(&gateway).is_allow());
    assert_eq!(decider.asked().len(), 1);
}

#[test]
fn a_decider_of_another_ca_is_not_asked() {
    let fixture = Fixture::new();
    let decider = fixture.decider();
    fixture.write("ca.pem", &Authority::new().pem());
    is_kept_out(&fixture.gateway(&decider, &[("ca", "ca.pem")]), &decider);
    // Nor does the system trust it.
    is_kept_out(&fixture.gateway(&decider, &[]), &decider);
}

#[test]
fn a_decider_must_have_the_name_of_its_url_or_the_one_that_is_set() {
    let fixture = Fixture::new();
    let [certificate, key] = ["decider.pem", "decider.key"].map(|name| fixture.file(name));
    fixture.authority.issue_to(&["decider.test"], &certificate, &key);
    let decider = fixture.decider();
    let ca = [("ca", "ca.pem")];
    is_kept_out(&fixture.gateway(&decider, &ca), &decider);
    let other = "decider.server_name = 'other.test'";
    is_kept_out(&fixture.gateway_with(&decider, &ca, other), &decider);
    let right = "decider.server_name = 'decider.test'";
    assert!(ask(&fixture.gateway_with(&decider, &ca, right)).is_allow());
}

#[test]
fn a_decider_without_tls_is_not_asked_by_https() {
    let fixture = Fixture::new();
    let decider = Decider::allowing();
    let url = decider.url().replace("http:", "https:");
    let settings = format!(
        "decider.ca = {:?}\ndefaults.deadline = '{}ms'",
        fixture.file("ca.pem"),
        DEADLINE.as_millis()
    );
    is_kept_out(&Gateway::start(&url, &settings), &decider);
}

#[test]
fn a_decider_with_a_client_ca_lets_in_whom_it_signed() {
    let fixture = Fixture::new();
    fixture.issue(&fixture.authority, "gateway");
    fixture.issue(&Authority::new(), "stranger");
    let tls = fixture.tls(Some("ca.pem"));
    let decider = Decider::guarded(Guarded { tls, tokens: None });
    let gateway = |name: Option<&str>| match name {
        None => fixture.gateway(&decider, &[("ca", "ca.pem")]),
        Some(name) => {
            let [certificate, key] = ["pem", "key"].map(|kind| format!("{name}.{kind}"));
            let files = [("ca", "ca.pem"), ("certificate", &*certificate), ("key", &*key)];
            fixture.gateway(&decider, &files)
        }
    };
    is_kept_out(&gateway(None), &decider);
    is_kept_out(&gateway(Some("stranger")), &decider);
    assert!(ask(&gateway(Some("gateway"))).is_allow());
}

#[test]
fn new_certificates_are_used_from_the_next_connection_on() {
    let fixture = Fixture::new();
    let decider = fixture.decider();
    let old = fixture.gateway(&decider, &[("ca", "ca.pem")]);
    assert!(ask(&old).is_allow());

    let next = Authority::new();
    fixture.issue(&next, "next");
    fixture.write("next-ca.pem", &next.pem());
    fs::rename(fixture.file("next.pem"), fixture.file("decider.pem")).expect("a file");
    fs::rename(fixture.file("next.key"), fixture.file("decider.key")).expect("a file");
    let until = Instant::now() + PATIENCE;
    while !ask(&fixture.gateway(&decider, &[("ca", "next-ca.pem")])).is_allow() {
        assert!(Instant::now() < until, "it still shows the old certificate");
    }
    let _ = decider.take_asked();
    is_kept_out(&fixture.gateway(&decider, &[("ca", "ca.pem")]), &decider);
    assert!(ask(&old).is_allow(), "the connection that was open stays");
}

#[test]
fn the_gateway_trusts_a_new_ca_from_the_next_connection_on() {
    let fixture = Fixture::new();
    let decider = fixture.decider();
    fixture.write("trusted.pem", &Authority::new().pem());
    let gateway = fixture.gateway(&decider, &[("ca", "trusted.pem")]);
    is_kept_out(&gateway, &decider);
    fixture.write("trusted.pem", &fixture.authority.pem());
    ask_until_allowed(&gateway, true);
}

#[test]
fn a_decider_with_tokens_answers_who_knows_one() {
    let fixture = Fixture::new();
    fixture.write("tokens", "old+token/1==\nnew.token~2\n");
    let tokens = Some(fixture.file("tokens"));
    let decider = Decider::guarded(Guarded { tls: fixture.tls(None), tokens });
    for (token, allowed) in [
        (Some("old+token/1=="), true),
        (Some("new.token~2\n"), true),
        (Some("old+token/1"), false),
        (Some("wrong"), false),
        (None, false),
    ] {
        let mut files = vec![("ca", "ca.pem")];
        if let Some(token) = token {
            fixture.write("token", token);
            files.push(("token_file", "token"));
        }
        let gateway = fixture.gateway(&decider, &files);
        match allowed {
            true => assert!(ask(&gateway).is_allow(), "{token:?}"),
            false => is_kept_out(&gateway, &decider),
        }
        let _ = decider.take_asked();
    }
}

#[test]
fn a_new_token_is_used_by_both_without_a_restart() {
    let fixture = Fixture::new();
    fixture.write("tokens", "first");
    fixture.write("token", "first");
    let tokens = Some(fixture.file("tokens"));
    let decider = Decider::guarded(Guarded { tls: None, tokens });
    let gateway = fixture.gateway(&decider, &[("token_file", "token")]);
    assert!(ask(&gateway).is_allow());

    fixture.write("tokens", "second");
    ask_until_allowed(&gateway, false);
    fixture.write("token", "second");
    ask_until_allowed(&gateway, true);
}
