//! `contract`: writes the contract that this gateway speaks.

use std::fs::OpenOptions;
use std::io::{self, Write, stdout};
use std::path::Path;
use std::process::ExitCode;

use contract::{DESCRIPTOR_SET, FILES, PACKAGE};
use process::exit::printed;

use super::files;
use crate::cli::Contract;

/// The file name that stands for stdout.
const STDOUT: &str = "-";

pub(super) fn run(arguments: &Contract) -> ExitCode {
    printed(write(arguments).map(|()| true))
}

fn write(Contract { out, descriptor_set }: &Contract) -> io::Result<()> {
    let mut over = OpenOptions::new();
    over.write(true).create(true).truncate(true);
    if let Some(folder) = out {
        files::write(folder, FILES.iter().copied(), &over)?;
    }
    match descriptor_set {
        Some(path) if path == Path::new(STDOUT) => return stdout().write_all(DESCRIPTOR_SET),
        Some(path) => files::write(Path::new(""), [(path, DESCRIPTOR_SET)], &over)?,
        None => {}
    }
    writeln!(stdout(), "{PACKAGE} of callback-gateway {}", env!("CARGO_PKG_VERSION"))?;
    FILES.iter().try_for_each(|(path, _)| writeln!(stdout(), "{path}"))
}
