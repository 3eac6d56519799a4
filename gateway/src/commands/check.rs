//! `check`: says what would be in force, or what is wrong.

use std::process::ExitCode;

use super::wrong;
use crate::overview::Overview;
use crate::settings::Sources;

pub(super) fn run(mut sources: Sources) -> ExitCode {
    match sources.load() {
        Ok(settings) => {
            print!("{}", Overview::of(&settings));
            ExitCode::SUCCESS
        }
        Err(mistakes) => wrong(&mistakes),
    }
}
