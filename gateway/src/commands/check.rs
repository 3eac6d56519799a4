//! `check`: prints the settings that would be in force, or every mistake in them.

use std::process::ExitCode;

use crate::settings::Sources;
use crate::settings::summary::ConfigSummary;
use process::exit::mistaken;

pub(super) fn run(mut sources: Sources) -> ExitCode {
    match sources.load() {
        Ok(settings) => {
            print!("{}", ConfigSummary::of(&settings));
            ExitCode::SUCCESS
        }
        Err(mistakes) => mistaken(&mistakes),
    }
}
