//! The parts of a process that gateway and decider share. Nothing here depends on OpenIM, callbacks or policies.
//!
//! - [`Mistake`], [`suggest`]: mistakes in settings, and the name that was probably meant;
//! - [`environment`]: misspelt environment variables;
//! - [`Reloadable`], [`Housekeeping`]: values read from files, and the thread that reads them again;
//! - [`pem`], [`tls`]: certificates and keys, and the server's side of TLS;
//! - [`listen`], [`descriptors`], [`workers`]: sockets, and the resources that they need;
//! - [`log`]: logging that never blocks;
//! - [`exit`]: exit codes.

pub mod descriptors;
pub mod environment;
pub mod exit;
mod housekeeping;
pub mod listen;
pub mod log;
mod mistake;
pub mod pem;
mod reloadable;
mod suggest;
pub mod tls;

use std::num::NonZeroUsize;
use std::thread;

pub use self::housekeeping::{Housekeeping, Task};
pub use self::mistake::Mistake;
pub use self::reloadable::Reloadable;
pub use self::suggest::suggest;

/// The number of serving threads: as set, or one for each core that the process may use (CPU affinity and cgroup quotas
/// are respected).
#[must_use]
pub fn workers(set: Option<NonZeroUsize>) -> NonZeroUsize {
    set.unwrap_or_else(|| thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
}
