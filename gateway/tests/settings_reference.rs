//! Generates the settings reference from the settings' doc comments, when run by `make settings`; else compares.

use std::fmt::Write;
use std::path::Path;

use callback_gateway::cli::Cli;
use callback_gateway::settings::File;
use clap::CommandFactory;
use schemars::schema_for;
use serde_json::{Map, Value};

const HEAD: &str = "# Settings of the gateway

The file that `callback-gateway --config FILE` reads is TOML. Every key has a default, so it may be empty or left out.
The environment goes before the file, and the command line before both. Durations are written like `\"300ms\"` or
`\"2s\"`. Every mistake is reported at once, with exit code 64; `callback-gateway check` does only that, and says what
would be in force.

`[defaults]`, `[callbacks.…]`, `openim_webhooks` and `honour_failed_continue` are read anew on SIGHUP, and when a file
in the directory of either file changes; calls in flight keep what they began with. All else needs a restart. What is
set for a callback goes before what webhooks.yml says of it, that before `[defaults]`, and that before what is built in.

Made by `make settings` from the documentation of the settings in the sources.
";

/// Tables are found by the schema, so that none can be forgotten.
#[test]
fn the_settings_reference_says_what_the_settings_are() {
    let schema = schema_for!(File).to_value();
    let defaults = serde_json::to_value(File::default()).expect("settings are data");
    let properties = object(&schema["properties"]);
    let mut text = format!("{HEAD}\n## Top level\n");
    let mut shown = Vec::new();
    sections(&mut text, &schema, properties, &defaults, "", &mut shown);
    flags(&mut text, properties);

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/settings.md");
    if std::env::var_os("UPDATE_SETTINGS").is_some() {
        std::fs::write(&path, &text).expect("docs can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "docs/settings.md is not up to date: run `make settings`");
}

/// The keys that stand for values, then the tables, each with those below it. One that has been shown is not repeated.
fn sections<'s>(
    text: &mut String,
    schema: &'s Value,
    properties: &'s Map<String, Value>,
    defaults: &Value,
    parent: &str,
    shown: &mut Vec<&'s Map<String, Value>>,
) {
    let is_table = |property| definition(schema, property).is_some();
    let (tables, keys): (Vec<_>, Vec<_>) =
        properties.iter().partition(|(_, property)| is_table(property));
    table(text, keys.into_iter(), defaults);
    for (key, property) in tables {
        let fields = definition(schema, property).expect("a table");
        let many = property.get("additionalProperties").is_some();
        let title = format!("{parent}{key}{}", if many { ".…" } else { "" });
        writeln!(text, "\n## `[{title}]`\n\n{}", about(property)).expect("memory takes all");
        if !shown.contains(&fields) {
            shown.push(fields);
            sections(text, schema, fields, &defaults[key], &format!("{title}."), shown);
        }
    }
}

/// The fields of the table that a key stands for, or of each table below it; none if it stands for a value.
fn definition<'s>(schema: &'s Value, property: &Value) -> Option<&'s Map<String, Value>> {
    let reference = [property, &property["additionalProperties"]].into_iter();
    let path = reference.filter_map(|place| place["$ref"].as_str()).next()?;
    schema.pointer(path.trim_start_matches('#'))?["properties"].as_object()
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("part of every schema")
}

fn about(property: &Value) -> &str {
    property["description"].as_str().expect("every setting has docs")
}

fn table<'s>(
    text: &mut String,
    fields: impl Iterator<Item = (&'s String, &'s Value)>,
    defaults: &Value,
) {
    text.push_str("\n| Key | Default | Meaning |\n|---|---|---|\n");
    for (key, field) in fields {
        let about = about(field).replace('\n', " ");
        let default = match &defaults[key] {
            Value::Null => String::new(),
            default => format!("`{default}`"),
        };
        writeln!(text, "| `{key}` | {default} | {about} |").expect("memory takes all");
    }
}

fn flags(text: &mut String, keys: &Map<String, Value>) {
    text.push_str(
        "\n## Command line and environment\n\n| Flag | Environment | Key |\n|---|---|---|\n",
    );
    let mut command = Cli::command();
    command.build();
    for flag in command.get_arguments() {
        let (Some(long), Some(environment)) = (flag.get_long(), flag.get_env()) else { continue };
        let value = flag.get_value_names().map_or("", |names| names[0].as_str());
        let needed = flag.get_num_args().is_none_or(|values| values.min_values() > 0);
        let value = if needed { format!(" {value}") } else { format!("[={value}]") };
        let key = match long.replace('-', "_") {
            key if key == "decider" => "`decider.endpoints`".to_owned(),
            key if key == "events_directory" => "`events.directory`".to_owned(),
            key if keys.contains_key(&key) => format!("`{key}`"),
            _ => String::new(),
        };
        let environment = environment.to_string_lossy();
        writeln!(text, "| `--{long}{value}` | `{environment}` | {key} |")
            .expect("memory takes all");
    }
}
