//! docs/policy.md: its settings are those of the program.

use std::iter::once;

use callback_decider::cli::Cli;
use clap::{Arg, Command, CommandFactory};

const REFERENCE: &str = include_str!("../../../docs/policy.md");

#[test]
fn every_flag_has_one_row_with_its_variable_and_default() {
    let command = Cli::command();
    let commands = once(&command).chain(command.get_subcommands());
    let flags: Vec<_> = commands.flat_map(Command::get_arguments).map(row).collect();
    let rows = REFERENCE.lines().filter(|line| line.starts_with("| `--"));
    let rows: Vec<_> = rows.map(|row| row.rsplit_once(" | ").expect("a meaning").0).collect();
    assert_eq!(rows, flags);
}

/// The row of a flag in the table, without its meaning.
fn row(flag: &Arg) -> String {
    let default = flag.get_default_values().first();
    format!(
        "| `--{} {}` | `{}` | {} | {}",
        flag.get_long().expect("a flag"),
        flag.get_value_names().expect("a value")[0],
        flag.get_env().expect("a variable").display(),
        default.map_or("none".into(), |text| format!("`{}`", text.display())),
        if flag.is_global_set() { "yes" } else { "no" },
    )
}
