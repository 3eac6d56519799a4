//! Subjects and partitions.

use uuid::Uuid;

use super::super::letters::State;

/// The subjects of events that wait: partition and callback follow.
pub(super) const EVENTS: &str = "openim.events";
/// The subjects of dead and ignored events: state, callback and id follow.
pub(super) const DEAD: &str = "openim.dead";

/// The partition of a record: the FNV-1a hash, of 64 bits, of its key, or of its id's text if it is unordered, modulo the
/// number of partitions. The hash must never change, since the order of what is stored depends on it.
pub(super) fn partition(key: Option<&str>, id: Uuid, partitions: u32) -> u32 {
    let hash = match key {
        Some(key) => fnv_1a(key.as_bytes()),
        None => fnv_1a(id.hyphenated().to_string().as_bytes()),
    };
    u32::try_from(hash % u64::from(partitions)).expect("less than partitions")
}

fn fnv_1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().copied().fold(0xcbf2_9ce4_8422_2325, step)
}

pub(super) fn waiting(partition: u32, callback: &str) -> String {
    format!("{EVENTS}.{partition}.{callback}")
}

/// The subject of a dead or ignored event, by which it can be found without a search.
pub(super) fn dead(state: State, callback: &str, id: &str) -> String {
    format!("{DEAD}.{}.{callback}.{id}", state.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_reference() {
        assert_eq!(fnv_1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv_1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn records_without_a_key_spread_over_the_partitions() {
        let used: std::collections::BTreeSet<_> =
            (0..1000).map(|_| partition(None, Uuid::now_v7(), 64)).collect();
        assert_eq!(used.len(), 64);
        assert_eq!(
            partition(Some("default:a"), Uuid::now_v7(), 64),
            partition(Some("default:a"), Uuid::nil(), 64)
        );
    }
}
