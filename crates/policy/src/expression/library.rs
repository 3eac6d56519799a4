//! The names that the expressions of a policy may use beside their request: word lists, enums, patterns.

use super::pattern::Pattern;
use super::word_list::WordList;
use contract::PACKAGE;
use process::suggest;
use prost_reflect::EnumDescriptor;
use std::collections::{BTreeMap, BTreeSet};

/// The names that are the same for all expressions of a policy.
pub(crate) struct Library {
    pub(super) lists: BTreeMap<String, WordList>,
    used_lists: BTreeSet<String>,
    /// The patterns met so far, by the variables that hold them at run time.
    pub(super) patterns: BTreeMap<String, Pattern>,
    enums: BTreeMap<String, EnumDescriptor>,
}

impl Library {
    pub(crate) fn new(lists: BTreeMap<String, WordList>) -> Self {
        let contract = contract::descriptors();
        let enums = contract.all_enums().filter(|e| e.package_name() == PACKAGE);
        let enums = enums.map(|e| (e.name().to_owned(), e)).collect();
        Self { lists, used_lists: BTreeSet::new(), patterns: BTreeMap::new(), enums }
    }

    /// The number of an enum's value.
    pub(super) fn enum_value(&self, name: &str, value: &str) -> Option<Result<i64, String>> {
        let values = self.enums.get(name)?;
        Some(match values.get_value_by_name(value) {
            Some(value) => Ok(i64::from(value.number())),
            None => {
                let names: Vec<_> = values.values().map(|value| value.name().to_owned()).collect();
                let suggestion = suggest(value, names.iter().map(String::as_str));
                Err(format!("no value {value} in {name}{suggestion}"))
            }
        })
    }

    pub(super) fn use_list(&mut self, name: &str) -> Result<(), String> {
        if self.lists.contains_key(name) {
            self.used_lists.insert(name.to_owned());
            return Ok(());
        }
        let suggestion = suggest(name, self.lists.keys().map(String::as_str));
        Err(format!("no list {name}{suggestion}"))
    }

    /// The names of the lists that no expression uses.
    pub(crate) fn unused_lists(&self) -> BTreeSet<String> {
        self.lists.keys().filter(|name| !self.used_lists.contains(*name)).cloned().collect()
    }

    /// Compiles a pattern, and returns the name of its variable.
    pub(super) fn add_pattern(&mut self, pattern: &str) -> Result<String, String> {
        let variable = format!("@pattern {pattern}");
        if !self.patterns.contains_key(&variable) {
            self.patterns.insert(variable.clone(), Pattern::new(pattern)?);
        }
        Ok(variable)
    }

    /// The names that an expression may begin with, `request` aside.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.enums.keys().map(String::as_str).chain(["lists"])
    }
}
