//! `contract`: writes the contract that this gateway speaks.

use std::io::{self, Write, stdout};
use std::path::Path;
use std::process::ExitCode;

use contract::{DESCRIPTOR_SET, FILES, PACKAGE};
use process::exit::failed;

use super::files;
use crate::cli::Contract;

/// The file name that stands for stdout.
const STDOUT: &str = "-";

pub(super) fn run(arguments: &Contract) -> ExitCode {
    match write(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => failed(1, e),
    }
}

fn write(Contract { out, descriptor_set }: &Contract) -> io::Result<()> {
    if let Some(folder) = out {
        files::write(folder, FILES.iter().copied())?;
    }
    match descriptor_set {
        Some(path) if path == Path::new(STDOUT) => return stdout().write_all(DESCRIPTOR_SET),
        Some(path) => files::write(Path::new(""), [(path, DESCRIPTOR_SET)])?,
        None => {}
    }
    writeln!(stdout(), "{PACKAGE} of callback-gateway {}", env!("CARGO_PKG_VERSION"))?;
    FILES.iter().try_for_each(|(path, _)| writeln!(stdout(), "{path}"))
}
