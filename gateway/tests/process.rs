//! The gateway as a process: how it starts, why it does not, and how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};
use std::{fs, thread};

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(10);

/// Exit codes of sysexits.h.
const USAGE: i32 = 64;
const OS_ERROR: i32 = 71;

fn gateway() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callback-gateway"));
    command.env_clear().env("NO_COLOR", "1").args(["--admin", "127.0.0.1:0", "--workers", "2"]);
    command
}

/// What a gateway that ends by itself says, and its exit code.
fn output(command: &mut Command) -> (Option<i32>, String) {
    let mut process = Process::spawn(command.stdout(Stdio::piped()));
    let code = process.wait();
    let mut said = String::new();
    let Child { stdout, stderr, .. } = &mut process.0;
    for pipe in [stdout.as_mut().map(|p| p as &mut dyn Read), stderr.as_mut().map(|p| p as _)] {
        pipe.expect("it is piped").read_to_string(&mut said).expect("text");
    }
    (code, said)
}

/// A process that ends when it is dropped, if not before.
struct Process(Child);

impl Process {
    fn spawn(command: &mut Command) -> Self {
        Self(command.stderr(Stdio::piped()).spawn().expect("it runs"))
    }

    /// Its exit code.
    fn wait(&mut self) -> Option<i32> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.0.try_wait().expect("it is our child") {
                Some(status) => return status.code(),
                None if Instant::now() > until => panic!("it does not end"),
                None => thread::sleep(Duration::from_millis(5)),
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A gateway that serves.
struct Running {
    process: Process,
    address: SocketAddr,
    log: Receiver<String>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let address = free_address();
        let mut process = Process::spawn(command.args(["--listen", &address.to_string()]));
        let (lines, log) = mpsc::channel();
        let stderr = BufReader::new(process.0.stderr.take().expect("it is piped"));
        thread::spawn(move || {
            stderr.lines().map_while(Result::ok).try_for_each(|line| lines.send(line))
        });
        let running = Self { process, address, log };
        running.wait_for("serving callbacks");
        running
    }

    fn wait_for(&self, text: &str) {
        loop {
            let line = self.log.recv_timeout(PATIENCE).unwrap_or_else(|e| panic!("no {text}: {e}"));
            if line.contains(text) {
                return;
            }
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    }

    fn terminate(&self) {
        let kill = Command::new("kill").args(["-TERM", &self.process.0.id().to_string()]).status();
        assert!(kill.expect("kill runs").success());
    }
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

/// A file of settings, named after the test that it is for.
fn settings(test: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.toml"));
    fs::write(&path, text).expect("a place for files");
    path
}

/// Reads one answer.
fn answer(stream: &mut TcpStream) -> String {
    let mut stream = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let start = head.len();
        assert_ne!(stream.read_line(&mut head).expect("an answer"), 0, "closed: {head}");
        if let Some(value) = head[start..].strip_prefix("content-length: ") {
            length = value.trim().parse().expect("a number");
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("a body");
    head + &String::from_utf8(body).expect("JSON")
}

const CALLBACK: &[u8] =
    b"POST /callbackBeforeAddBlackCommand HTTP/1.1\r\nHost: x\r\nContent-Length: 51\r\n\r\n\
    {\"callbackCommand\":\"callbackBeforeAddBlackCommand\"}";
/// Is answered at once, by a refusal.
const OTHER: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

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
    let _asked = decider.accept().expect("the callback is on its way");

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
fn every_mistake_in_the_settings_is_told_at_once() {
    let text =
        "listen = 'here'\n[defaults]\ncode = 1\n[callbacks.beforeAddBlak]\non_failure = 'allow'";
    let file = settings("mistakes", text);
    let (code, said) = output(gateway().arg("--config").arg(&file).args(["--decider", "nowhere"]));
    assert_eq!(code, Some(USAGE), "{said}");
    for part in
        ["listen", "defaults.code", "did you mean `beforeAddBlack`", "--decider", "mistakes.toml"]
    {
        assert!(said.contains(part), "nothing of {part}: {said}");
    }
    assert_eq!(said.lines().count(), 4, "{said}");
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
    assert!(metrics.contains(line) && metrics.contains("openmetrics-text"), "{metrics}");

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
