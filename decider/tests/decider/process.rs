//! The program itself: what it prints, and what it exits with.

use crate::support::{call_path, rpc};
use prost_reflect::{DynamicMessage, Value};
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use tokio::runtime::Builder;
use tonic::Request;
use tonic::transport::Channel;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_callback-decider");

pub(crate) fn shipped_policy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../policy.yaml")
}

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().expect("it starts")
}

/// The program while it serves.
pub(crate) struct Decider {
    process: Child,
    log: Option<Lines<BufReader<ChildStderr>>>,
}

impl Decider {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        Self::start_by(Command::new(PROGRAM).args(arguments))
    }

    /// Starts it by a shell that first does this.
    pub(crate) fn start_after(preparation: &str, arguments: &[&str]) -> Self {
        let script = format!("{preparation} && exec \"$0\" \"$@\"");
        Self::start_by(Command::new("sh").args(["-c", &script, PROGRAM]).args(arguments))
    }

    pub(crate) fn start_by(command: &mut Command) -> Self {
        Self::start_policy(&shipped_policy(), command)
    }

    pub(crate) fn start_policy(policy: &Path, command: &mut Command) -> Self {
        command.args(["--listen", "127.0.0.1:0", "--policy"]).arg(policy);
        let mut process = command.stderr(Stdio::piped()).spawn().expect("it starts");
        let log = process.stderr.take().map(|log| BufReader::new(log).lines());
        Self { process, log }
    }

    /// Closes the pipe that its log is written to.
    pub(crate) fn close_log(&mut self) {
        self.log = None;
    }

    pub(crate) fn line(&mut self) -> String {
        self.log.as_mut().and_then(Iterator::next).expect("a line").expect("text")
    }

    /// Where it listens, as its first line says.
    pub(crate) fn address(&mut self) -> String {
        let line = self.line();
        let address = line.split("address=").nth(1).and_then(|rest| rest.split(' ').next());
        address.unwrap_or_else(|| panic!("no address: {line}")).to_owned()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        let kill = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(kill.expect("kill is there").success());
    }

    pub(crate) fn end(&mut self, signal: &str) -> Option<i32> {
        self.signal(signal);
        self.process.wait().expect("it ends").code()
    }
}

impl Drop for Decider {
    fn drop(&mut self) {
        // It has ended already unless the test failed.
        let _ = self.process.kill();
    }
}

pub(crate) async fn connect(address: &str) -> Channel {
    let channel = Channel::from_shared(format!("http://{address}")).expect("a URI");
    channel.connect().await.expect("it listens")
}

/// Asks a decider about a change to this nickname.
pub(crate) async fn change_nickname(channel: &Channel, nickname: &str) -> DynamicMessage {
    let rpc = rpc("BeforeUpdateUserInfo");
    let mut request = DynamicMessage::new(rpc.input());
    request.set_field_by_name("nickname", Value::String(nickname.to_owned()));
    let mut request = Request::new(request);
    request.metadata_mut().insert("callback-id", "c 1".parse().expect("ASCII"));
    request.metadata_mut().insert("openim-operation-id", "o\"1".parse().expect("ASCII"));
    let path = "/openim.decider.v1.UserService/BeforeUpdateUserInfo";
    call_path(channel, path, rpc.output(), request).await.expect("an answer")
}

#[test]
fn it_says_what_is_in_force_and_what_it_denies() {
    let mut decider = Decider::start();
    let line = decider.line();
    assert!(line.contains("rules=8 ") && line.contains(" BeforeUserRegister"), "{line}");
    let address = line.split("address=").nth(1).and_then(|rest| rest.split(' ').next());

    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let channel = runtime.block_on(connect(address.expect("an address")));
    let answer = runtime.block_on(change_nickname(&channel, "Admin"));
    assert!(answer.has_field_by_name("denial"));
    let line = decider.line();
    let expected = "denied callback=\"beforeUpdateUserInfo\" rpc=\"BeforeUpdateUserInfo\" callback_id=\"c 1\" \
                    operation_id=\"o\\\"1\" rule=\"reserved nickname\"";
    assert!(line.contains("INFO") && line.ends_with(expected), "{line}");
    drop(runtime);
    assert_eq!(decider.end("TERM"), Some(0));
}

#[test]
fn it_ends_well_when_it_is_interrupted() {
    let mut decider = Decider::start();
    decider.line();
    assert_eq!(decider.end("INT"), Some(0));
}

#[test]
fn all_wrong_settings_are_told_at_once_with_exit_code_64() {
    let output = run(&[
        "--listen",
        "here",
        "--log",
        "info,callback_decider=loud",
        "--policy",
        "/nowhere.yaml",
        "--tls-certificate",
        "/nowhere.pem",
        "--tls-key",
        "/nowhere.key",
        "--tls-client-ca",
        "/nowhere-ca.pem",
        "--token-file",
        "/nowhere.token",
        "--max-message=4MiB",
        "--max-headers=1",
        "--max-streams=0",
        "--max-connections=-1",
        "--handshake-timeout=",
        "--keep-alive=1.5",
        "--workers=0",
        "--log-lines-per-second=many",
    ]);
    assert_eq!(output.status.code(), Some(64));
    let told = String::from_utf8_lossy(&output.stderr);
    let expected = "--listen \"here\": not an address with a port, like 127.0.0.1:50051
--workers \"0\": not a whole number from 1 to 1024
--log \"info,callback_decider=loud\": `loud` is no level of the log: use off, error, warn, info, \
debug, trace, or `h2=debug` for a part
--log-lines-per-second \"many\": not a whole number from 0 to 4294967295
--max-message \"4MiB\": not a whole number from 1 to 1073741824
--max-headers \"1\": not a whole number from 1024 to 16777216
--max-streams \"0\": not a whole number from 1 to 1000000
--max-connections \"-1\": not a whole number from 1 to 1000000
--handshake-timeout \"\": not a whole number from 1 to 3600
--keep-alive \"1.5\": not a whole number from 1 to 86400
--tls-certificate: /nowhere.pem: No such file or directory (os error 2)
--tls-key: /nowhere.key: No such file or directory (os error 2)
--tls-client-ca: /nowhere-ca.pem: No such file or directory (os error 2)
/nowhere.token: No such file or directory (os error 2)
/nowhere.yaml: No such file or directory (os error 2)
";
    assert_eq!(told, expected);
}

#[test]
fn the_files_of_tls_belong_together() {
    for (flag, missing) in [
        ("--tls-certificate", "--tls-key"),
        ("--tls-key", "--tls-certificate"),
        ("--tls-client-ca", "--tls-certificate"),
    ] {
        let output = run(&["--policy", &shipped_policy().to_string_lossy(), flag, "file"]);
        assert_eq!(output.status.code(), Some(64));
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(told, format!("{missing}: must be set, since {flag} is\n"));
    }
}

#[test]
fn a_misspelt_environment_variable_is_a_mistake_and_what_kubernetes_sets_is_none() {
    let mut decider = Command::new(PROGRAM);
    decider.env("CALLBACK_DECIDER_LISTE", "127.0.0.1:0").env("CALLBACK_DECIDER_PORT", "tcp://::1");
    let output = decider.output().expect("it starts");
    assert_eq!(output.status.code(), Some(64));
    let told = String::from_utf8_lossy(&output.stderr);
    let expected =
        "CALLBACK_DECIDER_LISTE: no such setting; did you mean `CALLBACK_DECIDER_LISTEN`?\n";
    assert!(told.starts_with(expected), "{told}");

    let mut command = Command::new(PROGRAM);
    command.env("CALLBACK_DECIDER_PORT", "tcp://::1").env("CALLBACK_DECIDER_IMAGE", "x");
    let mut decider = Decider::start_by(&mut command);
    let line = decider.line();
    let expected = "no setting variable=\"CALLBACK_DECIDER_IMAGE\"";
    assert!(line.contains("WARN") && line.ends_with(expected), "{line}");
    assert!(decider.line().contains("deciding"));
}

#[test]
fn what_is_logged_can_be_chosen_for_a_part_of_it() {
    let mut decider = Decider::start_with(&["--log", "error,callback_decider=info"]);
    assert!(decider.line().contains("deciding"));
    assert_eq!(decider.end("TERM"), Some(0));
    assert!(decider.line().contains("stopping"));
}

#[test]
fn an_unknown_flag_has_exit_code_64_and_help_has_0() {
    assert_eq!(run(&["--polcy", "x"]).status.code(), Some(64));
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let told = String::from_utf8_lossy(&help.stdout);
    assert!(told.contains("CALLBACK_DECIDER_POLICY") && told.contains("policy.yaml"), "{told}");
}

#[test]
fn an_address_in_use_is_told_with_exit_code_71() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let output = run(&["--listen", &address, "--policy", &shipped_policy().to_string_lossy()]);
    assert_eq!(output.status.code(), Some(71));
    let told = String::from_utf8_lossy(&output.stderr);
    let expected =
        format!("ERROR callback_decider::commands::serve: can't serve why=listen {address}: ");
    assert!(told.contains(&expected), "{told}");
}
