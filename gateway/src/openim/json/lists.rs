//! Lists that came as one object, as OpenIM's documentation shows them in place of an array, and are answered so.

use serde::{Serialize, Serializer};

/// The keys of lists that came as one object.
#[derive(Debug, Default)]
pub struct SingletonLists(Vec<String>);

impl SingletonLists {
    pub(super) fn push(&mut self, key: &str) {
        self.0.push(key.to_owned());
    }

    /// True if the list under this key came as one object.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        self.0.iter().any(|k| k == key)
    }
}

/// A list in an answer, written in the form that the request's list came in.
#[derive(Debug)]
pub struct ListOrSingle<'a, T> {
    /// The entries.
    pub list: &'a [T],
    /// True to write a list of one entry as that entry.
    pub single: bool,
}

impl<T: Serialize> Serialize for ListOrSingle<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.list {
            [only] if self.single => only.serialize(serializer),
            list => list.serialize(serializer),
        }
    }
}
