//! The rpcs of the contract, by their names.

use crate::denial;
use process::suggest;
use prost_reflect::MethodDescriptor;
use std::collections::BTreeMap;

/// The rpc of this name.
///
/// # Errors
/// Why there is none that a rule can decide, with the nearest name.
pub fn rpc(name: &str) -> Result<MethodDescriptor, String> {
    Rpcs::new().find(name).cloned()
}

pub(crate) struct Rpcs(BTreeMap<String, MethodDescriptor>);

impl Rpcs {
    pub(crate) fn new() -> Self {
        Self(contract::rpcs().map(|rpc| (rpc.name().to_owned(), rpc)).collect())
    }

    /// Finds an rpc that a rule can decide, or returns why there is none.
    pub(crate) fn find(&self, name: &str) -> Result<&MethodDescriptor, String> {
        match self.0.get(name) {
            Some(rpc) if denial::field_of(&rpc.output()).is_some() => Ok(rpc),
            Some(_) => Err(format!("{name} tells what has happened, so no rule can change it")),
            None => {
                let suggestion = suggest(name, self.0.keys().map(String::as_str));
                Err(format!("no rpc {name}{suggestion}"))
            }
        }
    }
}
