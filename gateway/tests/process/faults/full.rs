//! A disk without space: events are relayed until it has some again.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use harness::{Client, Decider, Style};

use super::disk::{Calls, ENOSPC};
use super::store::{SOON, Store, count, long_message, tell, tell_until_kept, value, wait_until};
use crate::support::directory;

#[test]
fn a_full_disk_is_bypassed_until_it_has_space() {
    let mut store = Store::new("full-disk", Decider::allowing(), "");
    let gateway = store.start();
    tell(gateway.address, 0..2);
    store.disk.fail(Calls::Writes, ENOSPC, 0, None);
    assert!(tell(gateway.address, 2..10) < SOON);
    store.wait_until_told(0..10);
    assert_eq!(count(&gateway, "callbacks", "kept"), 2);
    assert_eq!(count(&gateway, "callbacks", "relayed"), 8);
    store.decider.kill();
    assert!(tell(gateway.address, [10]) < SOON);
    wait_until(|| (count(&gateway, "events", "lost") != 1).then(|| "not lost".to_owned()));

    store.disk.fail(Calls::Writes, 0, 0, None);
    let next = tell_until_kept(&gateway, 11);
    store.decider.restart();
    store.wait_until_told([next - 1]);
    assert_eq!(value(&gateway, "events_databases_retired_total "), 0);
}

/// A file system with little more space than the gateway leaves free.
struct Tmpfs(PathBuf);

impl Tmpfs {
    /// None if this process may not mount one.
    fn mount(test: &str) -> Option<Self> {
        let place = directory(test);
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=40m", "tmpfs"]).arg(&place).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then(|| Self(place))
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_file_system_that_is_full_is_used_again_once_events_are_delivered() {
    let Some(tmpfs) = Tmpfs::mount("tmpfs") else {
        return println!("skipped: a file system can't be mounted");
    };
    let mut store = Store::waiting("tmpfs-store", "");
    let gateway = store.start_in(&tmpfs.0);
    let mut client = Client::connect(gateway.address);
    let mut kept = Vec::new();
    for number in 0.. {
        let verdict = client.send(&long_message(number, 60_000)).verdict(Style::Path);
        assert!(verdict.is_allow(), "{verdict:?}");
        if count(&gateway, "callbacks", "relayed") > 3 {
            break;
        }
        if count(&gateway, "callbacks", "kept") > kept.len() as u64 {
            kept.push(number);
        }
    }
    assert!(kept.len() > 10, "{kept:?}");
    store.decider.restart();
    store.wait_until_told(kept);
    tell_until_kept(&gateway, 1000);
}
