//! Secrets: their sources, and that they are shown nowhere.

use std::fs;
use std::io::Write;

use super::support::{Running, USAGE, answer, directory, gateway, output, settings};

const SECRETS: [&str; 4] =
    ["s3cret-path", "s3cret-word", "czNjcmV0LXVzZXI6czNjcmV0LXdvcmQ=", "s3cret-old"];

fn post(target: &str, headers: &str) -> Vec<u8> {
    let body = r#"{"callbackCommand":"callbackBeforeAddBlackCommand"}"#;
    let length = body.len();
    format!("POST {target} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

impl Running {
    fn status(&self, target: &str, headers: &str) -> String {
        let mut client = self.connect();
        client.write_all(&post(target, headers)).expect("it reads");
        let answer = answer(&mut client);
        assert!(SECRETS.iter().all(|secret| !answer.contains(secret)), "{answer}");
        answer[9..12].to_owned()
    }
}

#[test]
fn secrets_of_the_environment_are_asked_for_and_shown_nowhere() {
    let with_secrets = || {
        let mut command = gateway();
        command
            .env("CALLBACK_GATEWAY_PATH_SECRET", "s3cret-path")
            .env("CALLBACK_GATEWAY_BASIC", "s3cret-user:s3cret-word");
        command
    };
    let (_, help) = output(with_secrets().arg("--help"));
    let mut running = Running::start(with_secrets().args(["--log", "trace"]));
    let basic = "Authorization: Basic czNjcmV0LXVzZXI6czNjcmV0LXdvcmQ=\r\n";
    let command = "callbackBeforeAddBlackCommand";
    assert_eq!(running.status(&format!("/s3cret-path/{command}"), basic), "200");
    assert_eq!(running.status(&format!("/s3cret-path/{command}"), ""), "401");
    assert_eq!(running.status(&format!("/s3cret-old/{command}"), basic), "403");
    assert_eq!(running.status("/s3cret-path", basic), "404");
    let metrics = running.metrics();
    assert!(metrics.contains(r#"unauthorised_total{reason="basic"} 1"#), "{metrics}");
    running.terminate();
    running.process.wait();
    let log = running.rest_of_the_log();
    assert!(log.contains("refused") && log.contains("127.0.0.1"), "{log}");
    for text in [help, metrics, log] {
        assert!(SECRETS.iter().all(|secret| !text.contains(secret)), "{text}");
    }
}

#[test]
fn a_file_with_a_secret_is_read_again_when_it_changes() {
    let file = directory("changed-secret").join("secret");
    fs::write(&file, "s3cret-old").expect("a file");
    let text = format!("[callers]\npath_secret_file = {file:?}");
    let config = settings("changed-secret-settings", &text);
    let running = Running::start(gateway().arg("--config").arg(config));
    let at = |secret| format!("/{secret}/callbackBeforeAddBlackCommand");
    assert_eq!(running.status(&at("s3cret-old"), ""), "200");
    fs::write(&file, "s3cret-path").expect("a file");
    running.wait_for("read again");
    assert_eq!(running.status(&at("s3cret-path"), ""), "200");
    assert_eq!(running.status(&at("s3cret-old"), ""), "403");
    fs::write(&file, "").expect("a file");
    running.wait_for("holds no secret");
    assert_eq!(running.status(&at("s3cret-path"), ""), "200");
}

#[test]
fn a_secret_that_can_not_be_one_is_a_mistake_that_does_not_show_it() {
    let file = directory("bad-secret").join("secret");
    fs::write(&file, "s3cret-path/with a slash").expect("a file");
    let text = format!("[callers]\npath_secret_file = {file:?}");
    let config = settings("bad-secret-settings", &text);
    let mut command = gateway();
    command.arg("--config").arg(config).env("CALLBACK_GATEWAY_BASIC", "s3cret-word");
    let (code, said) = output(&mut command);
    assert_eq!(code, Some(USAGE), "{said}");
    assert!(said.contains("path_secret_file") && said.contains("CALLBACK_GATEWAY_BASIC"), "{said}");
    assert!(SECRETS.iter().all(|secret| !said.contains(secret)), "{said}");
}
