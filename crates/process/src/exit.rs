//! Exit codes, as in sysexits.h.

/// The command line, the settings or a file they name is wrong.
pub const USAGE: u8 = 64;
/// A bug: a thread that must not end has ended.
pub const SOFTWARE: u8 = 70;
/// The system refuses a resource, such as an address to listen on.
pub const OS_ERROR: u8 = 71;
