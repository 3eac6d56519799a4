//! The settings reference is made from the settings' own documentation. `make settings` writes it anew.

use std::fmt::Write;
use std::path::Path;

use callback_gateway::settings::{Cli, File};
use clap::CommandFactory;
use schemars::{Schema, schema_for};
use serde_json::{Map, Value};

const HEAD: &str = "# Settings of the gateway

The file that `callback-gateway --config FILE` reads is TOML. Every key has a default, so it may be empty or left out.
The environment goes before the file, and the command line before both. Durations are written like `\"300ms\"` or
`\"2s\"`. Every mistake is reported at once, with exit code 64.

Made by `make settings` from the documentation in `gateway/src/settings/` and `gateway/src/policy.rs`.
";

const FLAGS: &str = "
## Command line and environment

| Flag | Environment | Meaning |
|---|---|---|
";

#[test]
fn the_settings_reference_says_what_the_settings_are() {
    let schema = schema_for!(File);
    let defaults = serde_json::to_value(File::default()).expect("settings are data");
    let mut text = format!("{HEAD}\n## Top level\n\n");
    let definitions = object(&schema, "$defs");
    let properties = object(&schema, "properties");
    let is_table = |key: &str| ["limits", "defaults", "callbacks"].contains(&key);
    let plain = properties.iter().filter(|(key, _)| !is_table(key));
    table(&mut text, plain, &defaults);
    for (title, definition, key) in [
        ("`[limits]`", "Limits", "limits"),
        ("`[defaults]`", "Defaults", "defaults"),
        ("`[callbacks.…]`", "ForCallback", "callbacks"),
    ] {
        let about = properties[key]["description"].as_str().expect("settings have docs");
        writeln!(text, "\n## {title}\n\n{about}\n").expect("memory takes all");
        let fields =
            definitions[definition]["properties"].as_object().expect("a table of settings");
        table(&mut text, fields.iter(), &defaults[key]);
    }
    text.push_str(FLAGS);
    for flag in Cli::command().get_arguments() {
        let name = flag.get_long().expect("every flag has a name");
        let value = flag.get_value_names().expect("every flag has a value")[0].as_str();
        let env = flag.get_env().expect("every flag has a variable").to_string_lossy();
        let about = flag.get_help().expect("every flag has a help");
        writeln!(text, "| `--{name} {value}` | `{env}` | {about} |").expect("memory takes all");
    }

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/settings.md");
    if std::env::var_os("UPDATE_SETTINGS").is_some() {
        std::fs::write(&path, &text).expect("docs can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "docs/settings.md is not up to date: run `make settings`");
}

fn object<'s>(schema: &'s Schema, key: &str) -> &'s Map<String, Value> {
    schema.get(key).and_then(Value::as_object).expect("part of every schema")
}

fn table<'s>(
    text: &mut String,
    fields: impl Iterator<Item = (&'s String, &'s Value)>,
    defaults: &Value,
) {
    text.push_str("| Key | Default | Meaning |\n|---|---|---|\n");
    for (key, field) in fields {
        let about =
            field["description"].as_str().expect("every setting has docs").replace('\n', " ");
        let default = match &defaults[key] {
            Value::Null => String::new(),
            default => format!("`{default}`"),
        };
        writeln!(text, "| `{key}` | {default} | {about} |").expect("memory takes all");
    }
}
