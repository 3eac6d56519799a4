//! File descriptors and connections that run out: idle callers make room for others.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{CALLBACK, Running, answer, gateway, settings, shell};

/// The time that OpenIM waits by default.
const OPENIM_TIMEOUT: Duration = Duration::from_secs(5);
/// The time that a head on the admin port may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// A gateway for which a script has set limits.
fn limited(script: &str, settings_name: &str, text: &str) -> Running {
    let mut command = shell(&format!("{script} && exec \"$@\""));
    let file = settings(settings_name, text);
    Running::start(command.args(["--admin", "127.0.0.1:0"]).arg("--config").arg(file))
}

impl Running {
    /// Callers who connect, and then send nothing.
    fn silent(&self, callers: usize) -> Vec<TcpStream> {
        (0..callers).map(|_| self.connect()).collect()
    }

    /// The most memory that it has had, in bytes.
    fn memory(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.0.id()));
        let status = status.expect("it runs on Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        kib.and_then(|kib| kib.parse().ok())
            .map_or_else(|| panic!("{status}"), |kib: usize| kib << 10)
    }

    /// The soft limit of its file descriptors.
    fn descriptors(&self) -> u64 {
        let limits = fs::read_to_string(format!("/proc/{}/limits", self.process.0.id()));
        let limits = limits.expect("it runs on Linux");
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
        let soft = line.and_then(|line| line.split_whitespace().next());
        soft.and_then(|soft| soft.parse().ok()).unwrap_or_else(|| panic!("{limits}"))
    }
}

#[test]
fn a_soft_limit_of_descriptors_is_raised_to_what_the_settings_need() {
    let mut running = limited("ulimit -Sn 256", "raised", "limits.connections = 500");
    assert_eq!(running.descriptors(), 500 + 64 + 128);
    let callers = running.silent(400);
    assert!(running.call().contains("\"nextCode\""), "a verdict");
    running.wait_for_metric("callback_gateway_connections 400");
    drop(callers);
    running.terminate();
    assert_eq!(running.process.wait(), Some(0));
    let log = running.start.clone() + &running.rest_of_the_log();
    assert!(!log.contains("fewer connections") && !log.contains("can't accept"), "{log}");
}

#[test]
fn a_hard_limit_that_is_too_low_bounds_connections_and_silent_callers_make_room() {
    let running = limited("ulimit -n 256", "clamped", "");
    let log = &running.start;
    for word in ["WARN", "fewer connections", "connections=64", "need 10192", "allows 256"] {
        assert!(log.contains(word), "{word}: {log}");
    }
    let _callers = running.silent(400);
    let mut client = running.connect();
    client.set_read_timeout(Some(OPENIM_TIMEOUT)).expect("a timeout");
    client.write_all(CALLBACK).expect("it reads");
    assert!(answer(&mut client).contains("\"nextCode\""), "a verdict");
}

#[test]
fn where_descriptors_run_out_all_the_same_the_idlest_callers_make_room() {
    let running = limited("ulimit -n 1024", "exhausted", "limits.connections = 500");
    // As if something else had taken most of them.
    let process = running.process.0.id().to_string();
    let prlimit = Command::new("prlimit").args(["--nofile=100", "--pid", &process]).status();
    assert!(prlimit.expect("prlimit runs").success());
    let _callers = running.silent(200);
    running.wait_for("can't accept connections");
    assert!(running.call().contains("\"nextCode\""), "a verdict");
    assert!(running.ask("/livez").starts_with("HTTP/1.1 200"));
}

#[test]
fn idle_connections_of_one_worker_make_room_for_those_of_another() {
    let file = settings("workers", "limits.connections = 2");
    let running = Running::start(gateway().arg("--config").arg(file));
    let used = |_| {
        let mut client = running.connect();
        client.write_all(CALLBACK).expect("it reads");
        assert!(answer(&mut client).contains("\"nextCode\""), "a verdict");
        client
    };
    // Which worker has them is up to the kernel.
    for _ in 0..3 {
        let _idle: Vec<_> = (0..2).map(used).collect();
        let began = Instant::now();
        assert!(running.call().contains("\"nextCode\""), "a verdict");
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    }
}

#[test]
fn silent_connections_to_the_admin_port_keep_nobody_out() {
    let running = limited("ulimit -n 512", "admin_port", "limits.connections = 300");
    let connect = |_| TcpStream::connect(running.admin).expect("it listens");
    let _callers: Vec<_> = (0..200).map(connect).collect();
    let began = Instant::now();
    assert!(running.call().contains("\"nextCode\""), "a verdict");
    assert!(running.ask("/livez").starts_with("HTTP/1.1 200"));
    assert!(began.elapsed() < HEAD_TIMEOUT, "{:?}", began.elapsed());
}

#[test]
fn bodies_full_of_empty_entries_take_little_memory() {
    let running = Running::start(&mut gateway());
    assert!(running.call().contains("\"nextCode\""), "a verdict");
    let body = format!(
        r#"{{"callbackCommand":"callbackBeforeUserRegisterCommand","users":[{{}}{}]}}"#,
        ",{}".repeat(349_502)
    );
    let head = "POST /callbackBeforeUserRegisterCommand HTTP/1.1\r\nHost: x\r\nContent-Length: ";
    let request = format!("{head}{}\r\n\r\n{body}", body.len());
    let before = running.memory();
    let mut callers = running.silent(20);
    for caller in &mut callers {
        caller.write_all(request.as_bytes()).expect("it reads");
    }
    for caller in &mut callers {
        assert!(answer(caller).starts_with("HTTP/1.1 400"), "a refusal");
    }
    let more = running.memory().saturating_sub(before);
    // Their bodies of 1 MiB, in buffers that grew by doubling, and the messages of those that are read just now.
    assert!(more < 100 << 20, "{more} bytes more");
}
