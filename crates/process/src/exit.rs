//! Exit codes, as in sysexits.h.

use std::fmt;
use std::io::{self, ErrorKind, Write, stderr};
use std::process::ExitCode;

use crate::Mistake;

/// The command line, the settings or a file they name is wrong.
pub const USAGE: u8 = 64;
/// A server that is needed can't be reached, or refuses.
pub const UNAVAILABLE: u8 = 69;
/// A bug: a thread that must not end has ended.
pub const SOFTWARE: u8 = 70;
/// The system refuses a resource, such as an address to listen on.
pub const OS_ERROR: u8 = 71;

/// Prints the mistakes in the settings, one a line, and returns [`USAGE`], even if stderr is closed.
#[must_use]
pub fn mistaken(mistakes: &[Mistake]) -> ExitCode {
    for mistake in mistakes {
        let _ = writeln!(stderr(), "error: {mistake}");
    }
    USAGE.into()
}

/// Prints why a program ends, and returns its code, even if stderr is closed.
#[must_use]
pub fn failed(code: u8, why: impl fmt::Display) -> ExitCode {
    let _ = writeln!(stderr(), "error: {why}");
    code.into()
}

/// The exit code of a command that has printed its result, which is true if all is well. A reader that closes the pipe
/// early, such as `head`, is nothing to report.
#[must_use]
pub fn printed(result: io::Result<bool>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) if e.kind() == ErrorKind::BrokenPipe => ExitCode::FAILURE,
        Err(e) => failed(1, e),
    }
}
