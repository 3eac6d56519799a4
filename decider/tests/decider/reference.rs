//! docs/policy.md: its settings are those of the program.

use std::collections::BTreeSet;
use std::iter::once;

use callback_decider::cli::Cli;
use clap::{Arg, Command, CommandFactory};

const REFERENCE: &str = include_str!("../../../docs/policy.md");

#[test]
fn every_flag_has_one_row_with_its_variable_and_default() {
    let command = Cli::command();
    let commands = once(&command).chain(command.get_subcommands());
    let arguments = commands.flat_map(Command::get_arguments);
    let flags: Vec<_> = arguments.filter(|argument| !argument.is_positional()).map(row).collect();
    let rows = REFERENCE.lines().filter(|line| line.starts_with("| `--"));
    let rows: Vec<_> = rows.map(|row| row.rsplit_once(" | ").expect("a meaning").0).collect();
    // The flags of commands stand before those of the decider.
    assert_eq!(BTreeSet::from_iter(rows), BTreeSet::from_iter(flags.iter().map(String::as_str)));
}

/// The row of a flag in its table, without its meaning.
fn row(flag: &Arg) -> String {
    if flag.get_env().is_none() {
        let value = if flag.get_action().takes_values() {
            format!(" {}", flag.get_value_names().expect("a value")[0])
        } else {
            String::new()
        };
        return format!("| `--{}{value}`", flag.get_long().expect("a flag"));
    }
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
