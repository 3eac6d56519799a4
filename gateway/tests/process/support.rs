//! Helpers of the tests: a gateway as a process, its log, and plain sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};
use std::{fs, thread};

/// The time that a test waits for an event that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Exit codes of sysexits.h.
pub(crate) const USAGE: i32 = 64;
/// A gateway can't be reached, or refuses.
pub(crate) const UNAVAILABLE: i32 = 69;
pub(crate) const OS_ERROR: i32 = 71;

pub(crate) fn gateway() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callback-gateway"));
    command.env_clear().env("NO_COLOR", "1").args(["--admin", "127.0.0.1:0", "--workers", "2"]);
    command
}

/// A gateway that a shell starts by a script, in which `"$@"` is its command line. It has no flags yet.
pub(crate) fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.env_clear().env("NO_COLOR", "1");
    command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_callback-gateway")]);
    command
}

/// The exit code and the output of a gateway that ends by itself.
pub(crate) fn output(command: &mut Command) -> (Option<i32>, String) {
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
pub(crate) struct Process(pub(crate) Child);

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        Self(command.stderr(Stdio::piped()).spawn().expect("it runs"))
    }

    /// The lines of its log, which must be read by nobody else.
    pub(crate) fn log(&mut self) -> Receiver<String> {
        let (lines, log) = mpsc::channel();
        let stderr = BufReader::new(self.0.stderr.take().expect("it is piped"));
        thread::spawn(move || {
            stderr.lines().map_while(Result::ok).try_for_each(|line| lines.send(line))
        });
        log
    }

    /// Its exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
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

/// A gateway that serves, and logs as text.
pub(crate) struct Running {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// The log before it served.
    pub(crate) start: String,
    log: Receiver<String>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut process = Process::spawn(command.args(["--listen", "127.0.0.1:0"]));
        let log = process.log();
        let mut start = String::new();
        let line = line_with(&log, "serving callbacks", |line| start.extend([line, "\n"]));
        let address = |key: &str| {
            let value = line.split(key).nth(1).and_then(|rest| rest.split(' ').next());
            value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {key}: {line}"))
        };
        let (admin, address) = (address("admin="), address("listen="));
        Self { process, address, admin, start, log }
    }

    /// Starts a gateway whose log nobody reads, at addresses that are known for that reason. Waits until it is healthy.
    pub(crate) fn unread(command: &mut Command, text: &str) -> Self {
        let [address, admin] = [(); 2].map(|()| free_address());
        let text = format!("listen = '{address}'\nadmin = '{admin}'\n{text}");
        let file = settings(&format!("unread-{}", address.port()), &text);
        let process = Process::spawn(command.arg("--config").arg(file));
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() || TcpStream::connect(admin).is_err() {
            assert!(Instant::now() < until, "it does not listen");
            thread::sleep(Duration::from_millis(5));
        }
        Self { process, address, admin, start: String::new(), log: mpsc::channel().1 }
    }

    /// The admin port's answer at a path.
    pub(crate) fn ask(&self, path: &str) -> String {
        let mut client = connect(self.admin);
        write!(client, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").expect("it reads");
        answer(&mut client)
    }

    /// The next line of the log that has a text.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        line_with(&self.log, text, |_| {})
    }

    /// The rest of the log of a process that has ended.
    pub(crate) fn rest_of_the_log(&self) -> String {
        self.log.iter().collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn connect(&self) -> TcpStream {
        connect(self.address)
    }

    /// The answer to a callback on a connection of its own.
    pub(crate) fn call(&self) -> String {
        let mut client = self.connect();
        client.write_all(CALLBACK).expect("it reads");
        answer(&mut client)
    }

    /// All metrics.
    pub(crate) fn metrics(&self) -> String {
        self.ask("/metrics")
    }

    /// Waits until the metrics have a line.
    pub(crate) fn wait_for_metric(&self, line: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.metrics().lines().any(|metric| metric == line) {
            assert!(Instant::now() < until, "no {line}: {}", self.metrics());
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    pub(crate) fn signal(&self, signal: &str) {
        let kill = Command::new("kill").args([signal, &self.process.0.id().to_string()]).status();
        assert!(kill.expect("kill runs").success());
    }
}

fn line_with(log: &Receiver<String>, text: &str, mut skipped: impl FnMut(&str)) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let line = log.recv_timeout(left).unwrap_or_else(|e| panic!("no {text}: {e}"));
        if line.contains(text) {
            return line;
        }
        skipped(&line);
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

pub(crate) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

/// A directory, named after the test that it is for.
pub(crate) fn directory(test: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a place for files");
    path
}

/// A file of settings in a directory of its own.
pub(crate) fn settings(test: &str, text: &str) -> PathBuf {
    let path = directory(test).join("gateway.toml");
    fs::write(&path, text).expect("a place for files");
    path
}

/// Reads one answer.
pub(crate) fn answer(stream: &mut TcpStream) -> String {
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

pub(crate) const CALLBACK: &[u8] =
    b"POST /callbackBeforeAddBlackCommand HTTP/1.1\r\nHost: x\r\nContent-Length: 51\r\n\r\n\
    {\"callbackCommand\":\"callbackBeforeAddBlackCommand\"}";
/// Is answered at once, by a refusal.
pub(crate) const OTHER: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
