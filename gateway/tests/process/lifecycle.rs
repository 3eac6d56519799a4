//! The gateway's start, its failure to start, and its end.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{
    CALLBACK, OS_ERROR, OTHER, PATIENCE, Process, Running, answer, free_address, gateway, output,
    settings,
};

#[test]
fn sigterm_stops_accepting_and_answers_what_is_in_flight() {
    let decider = TcpListener::bind("127.0.0.1:0").expect("a decider that says nothing");
    let url = format!("http://{}", decider.local_addr().expect("an address"));
    let file =
        settings("sigterm", "[defaults]\ndeadline = '1s'\n[limits]\nlinger = '60s'\ndrain = '60s'");
    let mut running = Running::start(gateway().arg("--config").arg(file).args(["--decider", &url]));

    let (mut idle, mut waiting) = (running.connect(), running.connect());
    idle.write_all(OTHER).expect("it reads");
    assert!(!answer(&mut idle).contains("connection: close"));
    waiting.write_all(CALLBACK).expect("it reads");
    running.wait_for_metric("callback_gateway_in_flight 1");

    running.terminate();
    running.wait_for("draining");
    let until = Instant::now() + PATIENCE;
    while TcpStream::connect(running.address).is_ok() {
        assert!(Instant::now() < until, "it still accepts connections");
        thread::sleep(Duration::from_millis(5));
    }
    let verdict = answer(&mut waiting);
    assert!(
        verdict.contains("\"nextCode\":1") && verdict.contains("connection: close"),
        "{verdict}"
    );
    idle.write_all(OTHER).expect("it still reads");
    assert!(answer(&mut idle).contains("connection: close"));
    assert_eq!(running.process.wait(), Some(0));
}

#[test]
fn it_starts_without_a_decider() {
    let url = format!("http://{}", free_address());
    let mut running = Running::start(gateway().args(["--decider", &url]));
    let mut client = running.connect();
    client.write_all(CALLBACK).expect("it reads");
    assert!(answer(&mut client).contains("\"nextCode\":1"));
    drop(client);
    running.terminate();
    assert_eq!(running.process.wait(), Some(0));
}

#[test]
fn an_address_that_is_in_use_ends_it() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    for flag in ["--listen", "--admin"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_callback-gateway"));
        command.env_clear().env("NO_COLOR", "1").args([flag, &address]);
        let other = if flag == "--listen" { "--admin" } else { "--listen" };
        let (code, said) = output(command.args([other, "127.0.0.1:0"]));
        assert_eq!(code, Some(OS_ERROR), "{flag}: {said}");
        assert!(said.contains(&address) && said.contains("in use"), "{flag}: {said}");
    }
}

#[test]
fn two_gateways_do_not_share_an_address() {
    let running = Running::start(&mut gateway());
    let (code, said) = output(gateway().args(["--listen", &running.address.to_string()]));
    assert_eq!(code, Some(OS_ERROR), "{said}");
}

#[test]
fn it_says_what_is_in_force() {
    let text = "
        [deciders.moderation]
        endpoints = ['http://127.0.0.1:9', 'unix:/run/moderation.sock']
        [defaults]
        deadline = '1s'
        [callbacks.beforeSendGroupMsg]
        decider = 'moderation'
        deadline = '5s'
        [callbacks.beforeAddBlack]
        answer = 'allow'
    ";
    let running = Running::start(gateway().arg("--config").arg(settings("in_force", text)));
    running.wait_for(r#"decider="default" endpoints="http://127.0.0.1:50051""#);
    running.wait_for(r#"decider="moderation" endpoints="http://127.0.0.1:9, unix:/run/mod"#);
    running.wait_for("deadline=1s, code=5000");
    let differs = running.wait_for(r#"policy="decider=moderation, deadline=5s""#);
    assert!(differs.contains(r#"callbacks="beforeSendGroupMsg""#), "{differs}");
    let answered = running.wait_for("answered without a decider");
    assert!(answered.contains("WARN") && answered.contains("beforeAddBlack"), "{answered}");
    let late = running.wait_for("not before OpenIM gives up");
    assert!(late.contains("WARN") && late.contains("beforeSendGroupMsg"), "{late}");
}

#[test]
fn the_log_can_be_json() {
    let mut command = gateway();
    let flags = ["--listen", "127.0.0.1:0", "--log-format", "json"];
    let mut process = Process::spawn(command.args(flags));
    let line = process.log().recv_timeout(PATIENCE).expect("a line");
    let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(line["message"], "serving callbacks");
    assert_eq!(line["workers"], 2);
}

#[test]
fn the_admin_port_tells_whether_it_is_ready_and_what_it_has_counted() {
    let (address, file) = (free_address(), settings("admin", "limits.linger = '60s'"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_callback-gateway"));
    let command = command.env_clear().args(["--admin", &address.to_string(), "--config"]).arg(file);
    let mut running = Running::start(command);
    let ask = |path: &str| {
        let mut stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").expect("it reads");
        answer(&mut stream)
    };
    let mut idle = running.connect();
    idle.write_all(OTHER).expect("it reads");
    answer(&mut idle);

    assert!(ask("/livez").starts_with("HTTP/1.1 200"));
    assert!(ask("/readyz").starts_with("HTTP/1.1 200"));
    assert!(ask("/version").ends_with(env!("CARGO_PKG_VERSION")));
    let metrics = ask("/metrics");
    let line = r#"callback_gateway_callbacks_total{callback="none",outcome="refused"} 1"#;
    assert!(metrics.contains(line) && metrics.contains("text/plain; version=0.0.4"), "{metrics}");

    running.terminate();
    running.wait_for("draining");
    let until = Instant::now() + PATIENCE;
    while !ask("/readyz").starts_with("HTTP/1.1 503") {
        assert!(Instant::now() < until, "it is draining, and says that it is ready");
    }
    assert!(ask("/livez").starts_with("HTTP/1.1 200"));
    drop(idle);
    assert_eq!(running.process.wait(), Some(0));
}
