//! The disk itself does what it says.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::SystemTime;

use super::disk::{Calls, DIRECTORY, Disk, EIO, ENOSPC, TORN};

const SIGKILL: i32 = 9;

/// Runs `work` in a process of its own on a disk: this test once more. Then the power fails.
fn run(test: &str, prepare: fn(&Disk), work: fn(&Path)) -> (Disk, ExitStatus) {
    if let Some(directory) = env::var_os(DIRECTORY) {
        work(&PathBuf::from(directory));
        std::process::exit(0);
    }
    let disk = Disk::new(&format!("shim-{test}"));
    prepare(&disk);
    let mut command = Command::new(env::current_exe().expect("a path"));
    command.args(["--nocapture", "--exact", &format!("faults::shim::{test}")]);
    disk.carry(command.stdout(Stdio::null()));
    let status = command.status().expect("it runs");
    disk.lose_power();
    (disk, status)
}

fn after_power_loss(test: &str, prepare: fn(&Disk), work: fn(&Path)) -> Disk {
    let (disk, status) = run(test, prepare, work);
    assert!(status.success(), "{status}");
    disk
}

impl Disk {
    fn text(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.directory().join(name)).ok()
    }
}

fn create(path: PathBuf, text: &str) -> File {
    let mut file = File::create(path).expect("a place for files");
    file.write_all(text.as_bytes()).expect("space");
    file
}

fn sync(file: &File) {
    file.sync_data().expect("a disk that works");
}

fn sync_directory(path: &Path) {
    File::open(path).expect("our directory").sync_all().expect("a disk that works");
}

fn code<T>(result: io::Result<T>) -> Option<i64> {
    result.err().and_then(|error| error.raw_os_error()).map(i64::from)
}

#[test]
fn what_was_not_synced_is_lost() {
    let prepare = |disk: &Disk| drop(create(disk.directory().join("old"), "old"));
    let disk = after_power_loss("what_was_not_synced_is_lost", prepare, |directory| {
        let mut file = create(directory.join("synced"), "one ");
        sync(&file);
        file.write_all(b"two").expect("space");
        create(directory.join("unsynced"), "three");
        let old = OpenOptions::new().append(true).open(directory.join("old"));
        let mut old = old.expect("a file from before");
        old.write_all(b" and new").expect("space");
        sync(&old);
        old.set_len(0).expect("a disk that works");
        create(directory.join("name only"), "four");
        sync_directory(directory);
        create(directory.join("index-shm"), "five").sync_all().expect("a disk that works");
    });
    assert_eq!(disk.text("synced").as_deref(), Some("one "));
    assert_eq!(disk.text("old").as_deref(), Some("old and new"));
    assert_eq!(disk.text("name only").as_deref(), Some(""));
    assert_eq!(disk.text("index-shm"), None);
}

#[test]
fn names_are_durable_once_the_directory_is_synced() {
    let test = "names_are_durable_once_the_directory_is_synced";
    let disk = after_power_loss(
        test,
        |_| {},
        |directory| {
            let [a, b, c] = ["a", "b", "c"].map(|name| directory.join(name));
            sync(&create(a.clone(), "1"));
            sync(&create(c.clone(), "2"));
            fs::rename(&a, b).expect("a file");
            sync_directory(directory);
            fs::rename(directory.join("b"), a).expect("a file");
            fs::remove_file(c).expect("a file");
        },
    );
    assert_eq!(["a", "b", "c"].map(|name| disk.text(name).is_some()), [false, true, true]);
}

#[test]
fn a_disk_that_lies_loses_all() {
    let disk = after_power_loss("a_disk_that_lies_loses_all", Disk::lie, |directory| {
        sync(&create(directory.join("a"), "1"));
        sync_directory(directory);
    });
    assert_eq!(disk.text("a"), None);
}

#[test]
fn calls_fail_as_often_as_a_test_says() {
    let prepare = |disk: &Disk| {
        disk.fail(Calls::Writes, ENOSPC, 2, Some(1));
        disk.fail(Calls::Syncs, EIO, 0, Some(1));
    };
    let disk = after_power_loss("calls_fail_as_often_as_a_test_says", prepare, |directory| {
        let mut file = create(directory.join("a"), "1");
        assert_eq!(code(file.sync_all()), Some(EIO));
        file.write_all(b"2").expect("space");
        assert_eq!(code(file.write_all(b"3")), Some(ENOSPC));
        file.write_all(b"4").expect("space");
        sync(&file);
    });
    // Bytes that a failed sync has not written are not written by the next one either.
    assert_eq!(disk.text("a").as_deref(), Some("\u{0}24"));
    assert_eq!((disk.hits(Calls::Writes), disk.hits(Calls::Syncs)), (1, 1));
}

#[test]
fn a_torn_write_kills() {
    let prepare = |disk: &Disk| disk.fail(Calls::Writes, TORN, 1, None);
    let (disk, status) = run("a_torn_write_kills", prepare, |directory| {
        let mut file = create(directory.join("a"), "1");
        sync(&file);
        file.write_all(b"2345").expect("space");
    });
    assert_eq!(status.signal(), Some(SIGKILL));
    assert_eq!(disk.text("a").as_deref(), Some("123"));
}

#[test]
fn unsynced_writes_may_be_durable_in_part() {
    let test = "unsynced_writes_may_be_durable_in_part";
    let disk = after_power_loss(test, Disk::write_back, |directory| {
        let mut file = create(directory.join("a"), "");
        sync(&file);
        for _ in 0..100 {
            file.write_all(b"1234").expect("space");
        }
    });
    let text = disk.text("a").expect("a synced name");
    let durable = text.bytes().filter(|&byte| byte != 0).count();
    assert!((1..400).contains(&durable), "{durable}");
}

#[test]
fn the_wall_clock_is_shifted() {
    let prepare = |disk: &Disk| disk.shift_clock(-3600);
    let disk = after_power_loss("the_wall_clock_is_shifted", prepare, |directory| {
        sync(&create(directory.join("now"), &now().to_string()));
    });
    let shifted: u64 = disk.text("now").and_then(|text| text.parse().ok()).expect("a number");
    assert!((3600..3660).contains(&(now() - shifted)), "{shifted}");
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs()
}
