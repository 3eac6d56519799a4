//! Compares the streams and consumers that are there with those that the gateway makes: somebody may have changed them.

use std::fmt::Debug;

use async_nats::jetstream::consumer::{Config as Consumer, pull};
use async_nats::jetstream::stream::Config as Stream;

/// The key, in the stream's metadata, of the number of partitions.
pub(super) const PARTITIONS: &str = "openim-partitions";

/// A setting as it is and as it must be.
type Pair<'a> = (&'static str, &'a dyn Debug, &'a dyn Debug);

/// The reason why the stream of events that wait can't be used, by the number of partitions.
pub(super) fn partitions(found: &Stream, partitions: u32) -> Result<(), String> {
    let name = &found.name;
    match found.metadata.get(PARTITIONS) {
        Some(found) if found.parse() == Ok(partitions) => Ok(()),
        Some(found) => Err(format!(
            "events.nats.partitions is {partitions}, but the stream {name} was made with {found}, which can't be \
             changed: set {found}, or another events.nats.stream in another account"
        )),
        None => Err(format!(
            "the stream {name} was not made by a gateway: its metadata lack {PARTITIONS}"
        )),
    }
}

/// The reason why a stream would lose events.
pub(super) fn stream(found: &Stream, expected: &Stream) -> Result<(), String> {
    // No limit is 0 or -1.
    let limits = |stream: &Stream| {
        [stream.max_messages, stream.max_messages_per_subject, stream.max_message_size.into()]
            .map(|limit| limit.max(0))
    };
    let (is, must) = (limits(found), limits(expected));
    let pairs: [Pair<'_>; 11] = [
        ("subjects", &found.subjects, &expected.subjects),
        ("retention", &found.retention, &expected.retention),
        ("storage", &found.storage, &expected.storage),
        ("discard", &found.discard, &expected.discard),
        ("max_age", &found.max_age, &expected.max_age),
        ("max_msgs", &is[0], &must[0]),
        ("max_msgs_per_subject", &is[1], &must[1]),
        ("max_msg_size", &is[2], &must[2]),
        ("no_ack", &found.no_ack, &expected.no_ack),
        ("sealed", &found.sealed, &expected.sealed),
        ("allow_msg_ttl", &found.allow_message_ttl, &expected.allow_message_ttl),
    ];
    same(&pairs, &format!("the stream {}", found.name))
}

/// The reason why a consumer would lose events or their order.
pub(super) fn consumer(found: &Consumer, expected: &pull::Config) -> Result<(), String> {
    let (is, must) = (found.max_deliver.max(0), expected.max_deliver.max(0));
    let pairs: [Pair<'_>; 6] = [
        ("filter_subject", &found.filter_subject, &expected.filter_subject),
        ("deliver_policy", &found.deliver_policy, &expected.deliver_policy),
        ("ack_policy", &found.ack_policy, &expected.ack_policy),
        ("ack_wait", &found.ack_wait, &expected.ack_wait),
        ("max_ack_pending", &found.max_ack_pending, &expected.max_ack_pending),
        ("max_deliver", &is, &must),
    ];
    same(&pairs, &format!("the consumer {}", expected.durable_name.as_deref().unwrap_or_default()))
}

fn same(pairs: &[Pair<'_>], of: &str) -> Result<(), String> {
    let text = |value: &dyn Debug| format!("{value:?}");
    let differences = pairs.iter().filter(|(_, is, must)| text(is) != text(must));
    let differences: Vec<_> = differences
        .map(|(name, is, must)| format!("{name} is {}, and must be {}", text(is), text(must)))
        .collect();
    match differences.is_empty() {
        true => Ok(()),
        false => Err(format!("somebody has changed {of}: {}", differences.join("; "))),
    }
}
