//! The file descriptors that the process may have open at a time.

use rlimit::Resource;

/// The hard limit is below what the settings need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the settings need {needed} file descriptors and the system allows {available}: \
     raise the hard limit (`ulimit -Hn`, `LimitNOFILE=` of systemd, `--ulimit nofile=` of containers) or set lower limits"
)]
pub struct Shortage {
    /// The number that the settings need.
    pub needed: u64,
    /// The number that the system allows, to which the caller lowers its bounds.
    pub available: u64,
}

/// Raises the soft limit to what is needed, as far as the hard limit allows; it never lowers it.
///
/// # Errors
/// The hard limit is lower. The soft limit is then raised up to it.
pub fn raise(needed: u64) -> Result<(), Shortage> {
    let raised = rlimit::increase_nofile_limit(needed);
    // A sandbox may forbid raising it, or even reading it; then no shortage is reported.
    let available = raised.or_else(|_| Resource::NOFILE.get_soft()).unwrap_or(needed);
    if available < needed { Err(Shortage { needed, available }) } else { Ok(()) }
}
