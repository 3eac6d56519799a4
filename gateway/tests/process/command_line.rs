//! The command line, and the mistakes in it and in the settings.

use std::fs;
use std::net::TcpListener;

use crate::support::{Running, USAGE, directory, gateway, output, settings};

#[test]
fn every_mistake_in_the_settings_is_told_at_once() {
    let text =
        "listen = 'here'\n[defaults]\ncode = 1\n[callbacks.beforeAddBlak]\non_failure = 'allow'";
    let file = settings("mistakes", text);
    let (code, said) = output(gateway().arg("--config").arg(&file).args(["--decider", "nowhere"]));
    assert_eq!(code, Some(USAGE), "{said}");
    for part in [
        "listen",
        "defaults.code",
        "did you mean `beforeAddBlack`",
        "--decider",
        "mistakes/gateway.toml",
    ] {
        assert!(said.contains(part), "nothing of {part}: {said}");
    }
    assert_eq!(said.lines().count(), 4, "{said}");
}

#[test]
fn a_value_that_can_not_be_one_is_named() {
    for (flag, value) in [("--listen", "foo"), ("--listen", "1.2.3.4"), ("--log", "foo bar")] {
        let (code, said) = output(gateway().args([flag, value]));
        assert_eq!(code, Some(USAGE), "{flag} {value}: {said}");
        assert!(said.contains(flag) && said.contains(value), "{flag} {value}: {said}");
    }
}

#[test]
fn a_variable_of_the_environment_that_is_misspelt_is_a_mistake_and_one_of_others_is_not() {
    let (code, said) = output(gateway().env("CALLBACK_GATEWAY_LISTN", "127.0.0.1:0"));
    assert_eq!(code, Some(USAGE), "{said}");
    assert!(said.contains("did you mean `CALLBACK_GATEWAY_LISTEN`"), "{said}");

    let mut command = gateway();
    command
        .env("CALLBACK_GATEWAY_PORT", "tcp://10.0.0.1:10006")
        .env("CALLBACK_GATEWAY_SERVICE_HOST", "10.0.0.1")
        .env("CALLBACK_GATEWAY_COLOUR", "red");
    let log = Running::start(&mut command).start;
    assert!(log.contains("WARN") && log.contains("CALLBACK_GATEWAY_COLOUR"), "{log}");
    assert!(!log.contains("_PORT") && !log.contains("_SERVICE_HOST"), "{log}");
}

#[test]
fn a_file_that_is_not_there_is_a_mistake() {
    let (code, said) = output(gateway().args(["--config", "/nowhere/gateway.toml"]));
    assert_eq!(code, Some(USAGE));
    assert!(said.contains("/nowhere/gateway.toml") && said.contains("No such file"), "{said}");
}

#[test]
fn a_flag_that_does_not_exist_is_a_mistake() {
    let (code, said) = output(gateway().arg("--lisen"));
    assert_eq!(code, Some(USAGE));
    assert!(said.contains("--listen"), "{said}");
}

#[test]
fn help_and_version_are_no_mistakes() {
    let (code, said) = output(gateway().arg("--help"));
    assert_eq!(code, Some(0));
    assert!(said.contains("--config") && said.contains("CALLBACK_GATEWAY_LISTEN"), "{said}");
    let (code, said) = output(gateway().arg("--version"));
    assert_eq!(
        (code, said.trim()),
        (Some(0), concat!("callback-gateway ", env!("CARGO_PKG_VERSION")))
    );
}

#[test]
fn check_says_what_would_be_in_force() {
    let text = "listen = '0.0.0.0:10006'\n[callbacks.beforeAddBlack]\non_failure = 'allow'";
    let file = settings("check", text);
    let (code, said) = output(gateway().args(["check", "--config"]).arg(file));
    assert_eq!(code, Some(0), "{said}");
    for part in [
        "decider default: http://127.0.0.1:50051",
        "default of callbacks: decider=default, deadline=2s, code=5000",
        "on_failure=allow: ",
        "warning: anybody",
        "0.0.0.0:10006",
    ] {
        assert!(said.contains(part), "nothing of {part}: {said}");
    }
}

#[test]
fn check_warns_of_a_key_of_openim_that_no_server_acts_on() {
    let webhooks = directory("check_unread").join("webhooks.yml");
    let text = "beforeAddBlack: { enable: true }\nafterGroupMsgRevoke: { enable: true }";
    fs::write(&webhooks, text).expect("a file");
    let (code, said) = output(gateway().arg("check").arg("--openim-webhooks").arg(webhooks));
    assert_eq!(code, Some(0), "{said}");
    let warning = "no server sends it: afterGroupMsgRevoke (afterRevokeMsg is sent instead)";
    assert!(said.contains(warning), "{said}");
    assert!(!said.contains("[callbacks.unknown]"), "{said}");
}

#[test]
fn check_finds_what_starting_would_find() {
    let directory = directory("check_mistakes");
    let (file, webhooks) = (directory.join("gateway.toml"), directory.join("webhooks.yml"));
    let text = "
        limits.body = 0
        [decider]
        endpoints = ['https://decider']
        ca = 'no/such/ca.pem'
        [deciders.moderation]
        token_file = 'no/such/token'
        [callbacks.beforeAddBlack]
        decider = 'modration'
    ";
    fs::write(&file, text).expect("a file");
    fs::write(&webhooks, "beforeAddBlack: { timeout: soon }").expect("a file");
    let mut command = gateway();
    command.arg("--openim-webhooks").arg(webhooks).arg("--config").arg(file);
    let (code, said) = output(command.arg("check"));
    assert_eq!(code, Some(USAGE), "{said}");
    for part in [
        "limits.body",
        "no/such/ca.pem",
        "no/such/token",
        "did you mean `moderation`",
        "webhooks.yml: beforeAddBlack",
    ] {
        assert!(said.contains(part), "nothing of {part}: {said}");
    }
    assert_eq!(said.lines().count(), 5, "{said}");
    assert_eq!(output(&mut command), (code, said));
}

#[test]
fn a_gateway_that_lives_is_healthy() {
    let running = Running::start(&mut gateway());
    let (code, said) =
        output(gateway().args(["healthcheck", "--admin", &running.admin.to_string()]));
    assert_eq!((code, &said[..]), (Some(0), ""));
}

#[test]
fn a_gateway_is_healthy_though_its_file_has_become_wrong() {
    let running = Running::start(&mut gateway());
    let text = format!("admin = '{}'\nlimits.body = 'much'", running.admin);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_callback-gateway"));
    command.env_clear().args(["healthcheck", "--config"]).arg(settings("healthcheck", &text));
    assert_eq!(output(&mut command), (Some(0), String::new()));
}

#[test]
fn a_gateway_that_is_gone_or_hangs_is_not_healthy() {
    let hangs = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = hangs.local_addr().expect("an address").to_string();
    let healthcheck = || output(gateway().args(["healthcheck", "--admin", &address]));
    let (code, said) = healthcheck();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&address), "{said}");
    drop(hangs);
    let (code, said) = healthcheck();
    assert_eq!(code, Some(1));
    assert!(said.contains("refused"), "{said}");
}
