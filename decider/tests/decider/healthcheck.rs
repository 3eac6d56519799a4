//! `healthcheck`, beside the program while it serves.

use crate::process::{Decider, run};
use crate::support::certify;
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// The result of the check of a decider there.
fn check(address: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(&[&["healthcheck", "--listen", address], arguments].concat());
    assert!(output.stdout.is_empty());
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_decider_that_serves_is_healthy_with_tls_and_without() {
    let directory = certify(&["decider.test"]);
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| directory.path().join(name));
    let [certificate, key] = [&certificate, &key].map(|path| path.to_str().expect("UTF-8"));
    let tls = ["--tls-certificate", certificate, "--tls-key", key, "--tls-client-ca", certificate];
    // The check reads none of the files.
    let flags = ["--tls-certificate", "/nowhere.pem", "--tls-client-ca", "/nowhere.pem"];
    for (arguments, flags) in [(&tls[..0], &flags[..0]), (&tls[..4], &flags[..2]), (&tls, &flags)] {
        let mut decider = Decider::start_with(arguments);
        assert_eq!(check(&decider.address(), flags), (Some(0), String::new()), "{flags:?}");
    }
}

#[test]
fn a_decider_with_tokens_tells_its_health_to_all() {
    let directory = tempfile::tempdir().expect("a directory");
    let tokens = directory.path().join("tokens");
    std::fs::write(&tokens, "s3cret").expect("a file");
    let mut decider = Decider::start_with(&["--token-file", tokens.to_str().expect("UTF-8")]);
    assert_eq!(check(&decider.address(), &[]), (Some(0), String::new()));
}

#[test]
fn where_nobody_listens_nobody_is_healthy() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = free.local_addr().expect("an address").to_string();
    drop(free);
    let (code, told) = check(&address, &[]);
    assert!(
        code == Some(1) && told.starts_with(&format!("{address}: Connection refused")),
        "{told}"
    );
}

#[test]
fn who_does_not_answer_is_not_healthy_after_two_seconds() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = silent.local_addr().expect("an address").to_string();
    for flags in [&[][..], &["--tls-certificate", "x"]] {
        let began = Instant::now();
        let expected = (Some(1), format!("{address}: no answer within 2 seconds\n"));
        assert_eq!(check(&address, flags), expected);
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    }
}

#[test]
fn a_decider_that_speaks_otherwise_than_expected_is_not_healthy() {
    let mut plain = Decider::start();
    let address = plain.address();
    let mutual = ["--tls-certificate", "x", "--tls-client-ca", "x"];
    for flags in [&mutual[..2], &mutual] {
        assert_eq!(check(&address, flags).0, Some(1), "{flags:?}");
    }
    let directory = certify(&["decider.test"]);
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| directory.path().join(name));
    let [certificate, key] = [&certificate, &key].map(|path| path.to_str().expect("UTF-8"));
    let mut tls = Decider::start_with(&["--tls-certificate", certificate, "--tls-key", key]);
    let address = tls.address();
    assert_eq!(check(&address, &[]).0, Some(1));
    let (code, told) = check(&address, &mutual);
    assert!(code == Some(1) && told.contains("asks for no certificate"), "{told}");
}

#[test]
fn a_wrong_address_is_told() {
    let (code, told) = check("here", &[]);
    assert!(code == Some(1) && told.starts_with("--listen \"here\": not an address"), "{told}");
}
