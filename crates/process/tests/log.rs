//! The log of a real process, over every kind of stderr. The tests run this file's program again as that process.

use std::env;
use std::fs::File;
use std::io::{BufRead, BufReader, Lines, Read, Write, stdin};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio, exit};
use std::thread;
use std::time::Duration;

use process::log::{self, Config, Log, LogFormat, dropped};
use tracing::{debug, info, warn};

/// The lines that a pipe and the queue together can't hold.
const FLOOD: u64 = 30_000;
/// The time after which the process ends with an error, since it hangs.
const PATIENCE: Duration = Duration::from_secs(20);

struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Runs [`the_process`] with the scene of this name.
    fn start(scene: &str, stderr: impl Into<Stdio>) -> Self {
        let mut child = Command::new(env::current_exe().expect("this program"))
            .args(["--exact", "the_process", "--ignored", "--nocapture"])
            .env("SCENE", scene)
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("started");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Self { stdin: child.stdin.take(), child, stdout }
    }

    /// The number that the process prints next.
    fn hear(&mut self) -> u64 {
        let said = self.stdout.find_map(|line| {
            line.expect("a line").strip_prefix("said ").map(|number| number.parse())
        });
        said.expect("a number").expect("a number")
    }

    /// Resumes the process after [`pause`].
    fn resume(&mut self) {
        self.stdin.as_mut().expect("a pipe").write_all(b"\n").expect("a reader");
    }

    /// Reads the log until the process ends.
    fn log(mut self) -> String {
        let mut log = String::new();
        self.child.stderr.take().expect("a pipe").read_to_string(&mut log).expect("UTF-8");
        self.ends();
        log
    }

    /// Waits for the process without reading its log.
    fn ends(&mut self) {
        let status = self.child.wait().expect("a status");
        assert!(status.success(), "{status}");
    }
}

fn start(filter: &str, format: LogFormat, lines_per_second: u64) -> Log {
    let filter = filter.parse().expect("a filter");
    log::start(&Config { filter, format, lines_per_second }).expect("a log")
}

fn say(number: u64) {
    println!("\nsaid {number}");
}

fn pause() {
    stdin().read_line(&mut String::new()).expect("a line");
}

fn flood(lines: u64) {
    for number in 0..lines {
        info!(number, "a line of a flood, long enough to fill a pipe");
    }
}

fn count(log: &str, text: &str) -> u64 {
    log.lines().filter(|line| line.contains(text)).count() as u64
}

#[test]
#[ignore = "it is the process of the other tests"]
fn the_process() {
    thread::spawn(|| {
        thread::sleep(PATIENCE);
        exit(1);
    });
    match env::var("SCENE").expect("a scene").as_str() {
        "flood" => {
            let _log = start("info", LogFormat::Text, 0);
            flood(FLOOD);
            thread::spawn(|| panic!("in the flood")).join().expect_err("a panic");
            say(dropped());
            pause();
            flood(1);
        }
        "few" => {
            let log = start("info", LogFormat::Text, 0);
            flood(5_000);
            say(dropped());
            drop(log);
            exit(0);
        }
        "lost" => {
            let log = start("info", LogFormat::Text, 0);
            flood(10);
            thread::spawn(|| panic!("unseen")).join().expect_err("a panic");
            drop(log);
            say(dropped());
        }
        "kinds" => {
            let _log = start("info", LogFormat::Json, 5);
            for number in 0..1000 {
                warn!(callback = ["c0", "c1"][number % 2], "refused");
            }
            (0..20).for_each(|_| warn!("of another place"));
            pause();
        }
        "made_up" => {
            let _log = start("info", LogFormat::Json, 1);
            (0..1000).for_each(|number| warn!(callback = %number, "unknown"));
        }
        "panic" => {
            let _log = start("off", LogFormat::Text, 1);
            thread::spawn(|| panic!("a reason")).join().expect_err("a panic");
        }
        "filtered" => {
            let _log = start("info,log::made_up=debug", LogFormat::Text, 100);
            let mut evaluated = 0;
            debug!(
                value = {
                    evaluated += 1;
                    1
                },
                "switched off"
            );
            debug!(target: "log::made_up::part", value = { evaluated += 10; 1 }, "switched on");
            say(evaluated);
        }
        scene => panic!("no scene {scene}"),
    }
}

#[test]
fn stderr_that_nobody_reads_stops_nobody() {
    let mut process = Process::start("flood", Stdio::piped());
    assert!(process.hear() > 0, "more lines than a pipe and the queue hold");
    process.resume();
    process.ends();
}

#[test]
fn dropped_lines_are_counted_and_told_once_when_stderr_is_read_again() {
    let mut process = Process::start("flood", Stdio::piped());
    let dropped = process.hear();
    let stderr = BufReader::new(process.child.stderr.take().expect("a pipe"));
    let mut lines = stderr.lines().map(|line| line.expect("a line"));
    let mut log = Vec::new();
    while !log.last().is_some_and(|line: &String| line.contains("were dropped")) {
        log.push(lines.next().expect("the log goes on"));
    }
    process.resume();
    log.extend(lines);
    process.ends();
    let log = log.join("\n");
    assert_eq!(count(&log, &format!(" {dropped} lines of the log were dropped")), 1);
    assert_eq!(count(&log, "were dropped"), 1);
    // All lines, one more at the end, and one for the panic.
    assert_eq!(count(&log, "a line of a flood") + count(&log, "panicked") + dropped, FLOOD + 2);
}

#[test]
fn a_closed_stderr_or_a_full_disk_panics_nobody() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let full = File::options().write(true).open("/dev/full").expect("a full disk");
    for stderr in [Stdio::from(writer), Stdio::from(full)] {
        let mut process = Process::start("lost", stderr);
        assert_eq!(process.hear(), 11, "all lines are counted as dropped");
        process.ends();
    }
}

#[test]
fn a_non_blocking_stderr_gets_every_line() {
    let (mut reader, writer) = UnixStream::pair().expect("a pair");
    writer.set_nonblocking(true).expect("non-blocking");
    let mut process = Process::start("few", OwnedFd::from(writer));
    assert_eq!(process.hear(), 0);
    let mut log = String::new();
    reader.read_to_string(&mut log).expect("UTF-8");
    process.ends();
    assert_eq!(count(&log, "a line of a flood"), 5_000);
}

#[test]
fn queued_lines_are_written_before_the_end() {
    let log = Process::start("few", Stdio::piped()).log();
    assert_eq!(count(&log, "a line of a flood"), 5_000);
}

#[test]
fn lines_of_one_place_and_callback_are_limited_and_the_rest_is_counted_though_none_follow() {
    let mut process = Process::start("kinds", Stdio::piped());
    let mut lines = BufReader::new(process.child.stderr.take().expect("a pipe")).lines();
    let (mut c0, mut c1, mut other) = (Kind::default(), Kind::default(), Kind::default());
    // The process pauses, so the summaries come by themselves.
    while c0.lines() < 500 || c1.lines() < 500 || other.lines() < 20 {
        let line = lines.next().expect("the log goes on").expect("a line");
        assert!(line.contains(r#""level":"WARN""#) && line.contains(r#""target":"log""#), "{line}");
        let kinds = [("c0", &mut c0), ("c1", &mut c1), ("another place", &mut other)];
        kinds.into_iter().filter(|(part, _)| line.contains(part)).for_each(|(_, k)| k.read(&line));
    }
    for (kind, lines) in [(c0, 500), (c1, 500), (other, 20)] {
        assert_eq!(kind.lines(), lines);
        assert!(kind.passed <= 5 * (1 + kind.summaries), "{kind:?}");
    }
    process.resume();
    process.ends();
}

#[test]
fn callbacks_that_are_made_up_share_a_limit() {
    let log = Process::start("made_up", Stdio::piped()).log();
    let mut kind = Kind::default();
    log.lines().for_each(|line| kind.read(line));
    assert_eq!(kind.lines(), 1000);
    assert!(kind.passed <= 65 * (1 + kind.summaries), "{kind:?}");
}

/// The lines of one kind, counted.
#[derive(Debug, Default)]
struct Kind {
    passed: u64,
    summaries: u64,
    /// The lines that the summaries count.
    summed_up: u64,
}

impl Kind {
    fn read(&mut self, line: &str) {
        match line.split_once("… ").and_then(|(_, rest)| rest.split_once(" more lines like this: "))
        {
            None => self.passed += 1,
            Some((number, _)) => {
                self.summaries += 1;
                self.summed_up += number.parse::<u64>().expect("a number");
            }
        }
    }

    fn lines(&self) -> u64 {
        self.passed + self.summed_up
    }
}

#[test]
fn a_panic_is_a_line_of_the_log_even_if_it_is_off() {
    let log = Process::start("panic", Stdio::piped()).log();
    assert_eq!(log.lines().count(), 1, "{log}");
    for part in ["ERROR", "panicked: a reason", "at=crates/process/tests/log.rs:"] {
        assert!(log.contains(part), "{log}");
    }
}

#[test]
fn what_the_filter_switches_off_is_not_even_evaluated() {
    let mut process = Process::start("filtered", Stdio::piped());
    assert_eq!(process.hear(), 10);
    assert_eq!(count(&process.log(), "switched on"), 1);
}
