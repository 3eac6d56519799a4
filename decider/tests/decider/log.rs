//! The log, when nobody reads it.

use crate::process::{Decider, change_nickname, connect};
use std::time::Duration;
use tokio::time::timeout;
use tonic::transport::Channel;

/// Longer than an answer takes, also on a machine that is busy.
const SOON: Duration = Duration::from_secs(10);

/// Denies so often that the lines about it fill any pipe, unless they are limited or dropped.
async fn deny(channel: &Channel, times: usize) {
    for _ in 0..times {
        let answer = timeout(SOON, change_nickname(channel, "Admin")).await.expect("in time");
        assert!(answer.has_field_by_name("denial"));
    }
}

#[tokio::test]
async fn a_log_that_nobody_reads_stops_nobody() {
    let mut decider = Decider::start_with(&["--log-lines-per-second", "0"]);
    let address = decider.address();
    deny(&connect(&address).await, 1000).await;
    assert_eq!(decider.end("TERM"), Some(0));
}

#[tokio::test]
async fn a_closed_log_changes_no_decision() {
    let mut decider = Decider::start();
    let address = decider.address();
    decider.close_log();
    deny(&connect(&address).await, 10).await;
    assert_eq!(decider.end("TERM"), Some(0));
}

#[tokio::test]
async fn lines_of_one_kind_are_limited_and_the_rest_is_counted() {
    let mut decider = Decider::start_with(&["--log-lines-per-second", "5"]);
    let address = decider.address();
    deny(&connect(&address).await, 20).await;
    let lines = [(); 6].map(|()| decider.line());
    assert!(lines[..5].iter().all(|line| line.contains("denied callback=")), "{lines:?}");
    assert!(lines[5].contains("15 more lines like this"), "{lines:?}");
}
