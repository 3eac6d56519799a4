//! Merges settings from several places, and finds every mistake in them.

use process::Mistake;
use toml::{Table, Value};

use super::file::File;

/// Settings from several places, later ones over earlier ones. Each value is parsed by itself, so that all mistakes are
/// found.
#[derive(Default)]
pub(super) struct Layers {
    merged: Table,
    mistakes: Vec<Mistake>,
}

impl Layers {
    /// Adds the text of a configuration file, if it could be read.
    pub(super) fn add(&mut self, origin: &str, text: Result<String, Mistake>) {
        let table = text.and_then(|text| text.parse().map_err(|e| Mistake::new(origin, e)));
        let table: Table = table.unwrap_or_else(|mistake| {
            self.mistakes.push(mistake);
            Table::new()
        });
        for (path, value) in flatten(table) {
            let keys: Vec<&str> = path.iter().map(String::as_str).collect();
            self.set(&keys, value, &format!("{origin}: {}", path.join(".")));
        }
    }

    pub(super) fn set(&mut self, path: &[&str], value: Value, place: &str) {
        let mut alone = Table::new();
        insert(&mut alone, path, value.clone());
        match alone.try_into::<File>() {
            Ok(_) => insert(&mut self.merged, path, value),
            Err(e) => self.mistakes.push(Mistake::new(place, e.message())),
        }
    }

    /// The merged settings without those that are wrong, and the mistakes.
    pub(super) fn file(self) -> (File, Vec<Mistake>) {
        let file = self.merged.try_into().expect("every value was read by itself");
        (file, self.mistakes)
    }
}

/// The values of a table with their paths. An empty table counts as a value: its name may be wrong too.
pub(super) fn flatten(table: Table) -> Vec<(Vec<String>, Value)> {
    let mut values = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(table) if !table.is_empty() => {
                values.extend(flatten(table).into_iter().map(|(mut path, value)| {
                    path.insert(0, key.clone());
                    (path, value)
                }));
            }
            value => values.push((vec![key], value)),
        }
    }
    values
}

fn insert(table: &mut Table, path: &[&str], value: Value) {
    match path {
        [] => {}
        [key] => {
            table.insert((*key).to_owned(), value);
        }
        [key, rest @ ..] => {
            let inner = table.entry(*key).or_insert_with(|| Table::new().into());
            if let Value::Table(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}
