//! docs/policy.md: its settings are those of the program.

use callback_decider::cli::Cli;
use clap::CommandFactory;

const REFERENCE: &str = include_str!("../../../docs/policy.md");

#[test]
fn every_flag_is_there_with_its_variable_and_default() {
    let command = Cli::command();
    for flag in command.get_arguments().filter(|flag| flag.get_env().is_some()) {
        let default = flag.get_default_values().first();
        let default = default.map_or("none".into(), |text| format!("`{}`", text.display()));
        let row = format!(
            "| `--{} {}` | `{}` | {default} | ",
            flag.get_long().expect("a flag"),
            flag.get_value_names().expect("a value")[0],
            flag.get_env().expect("a variable").display(),
        );
        assert!(REFERENCE.contains(&row), "{row}");
    }
}
