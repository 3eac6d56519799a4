//! The edits in a decider's response: checks, and completion of what OpenIM would otherwise erase.

use std::collections::{HashMap, HashSet};

use prost::DecodeError;
use serde::de::IgnoredAny;
use serde::ser::SerializeMap;

use super::json::SingletonLists;
use super::v1::Denial;

/// An answer that can't be passed on to OpenIM.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WrongAnswer {
    /// It is no message of the rpc's.
    #[error("wrong answer: it can't be decoded: {0}")]
    Undecodable(#[from] DecodeError),
    /// One of its edits.
    #[error("wrong answer: {field} {problem}")]
    Field {
        /// The field of the response, by its name in the contract.
        field: &'static str,
        /// The reason.
        problem: Problem,
    },
}

/// The reason why a field of an answer is wrong.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Problem {
    /// An entry without its key.
    #[error("is missing in an entry")]
    MissingKey,
    /// A key that the request's list does not hold.
    #[error("is not one of the request's")]
    UnknownKey,
    /// A key that several entries carry.
    #[error("comes twice")]
    DuplicateKey,
    /// Text that holds no JSON object.
    #[error("holds no JSON object")]
    NotAnObject,
    /// A JSON object that would overwrite the verdict.
    #[error("has a key of the verdict's own")]
    VerdictKey,
}

/// The names of edits that were left out, because OpenIM would crash on them.
pub type Dropped = Vec<&'static str>;

/// A response to a request `Q`. Its default allows, and edits nothing.
pub trait Response<Q>: Default + PartialEq {
    /// True if `prepare` or `write` reads the request, which must then outlive the call.
    const READS_REQUEST: bool;

    /// Takes out the denial, if there is one.
    fn denial(&mut self) -> Option<Denial> {
        None
    }

    /// Checks the edits, drops those that the request does not allow, and completes those that replace OpenIM's data.
    ///
    /// # Errors
    /// An edit can't be passed on.
    fn prepare(&mut self, _request: &Q) -> Result<Dropped, WrongAnswer> {
        Ok(Dropped::default())
    }

    /// Writes the members of the reply that are not the verdict's own.
    ///
    /// # Errors
    /// Those of the serializer.
    fn write<M: SerializeMap>(
        &self,
        _request: &Q,
        _singletons: &SingletonLists,
        _map: &mut M,
    ) -> Result<(), M::Error> {
        Ok(())
    }
}

/// Checks that a text, if there is one, is a JSON object.
pub(crate) fn check_object(field: &'static str, text: Option<&str>) -> Result<(), WrongAnswer> {
    let is_object = |text: &str| serde_json::from_str::<HashMap<String, IgnoredAny>>(text).is_ok();
    match text {
        Some(text) if !is_object(text) => {
            Err(WrongAnswer::Field { field, problem: Problem::NotAnObject })
        }
        _ => Ok(()),
    }
}

/// Checks that every edit is for another entry of the request's list.
pub(crate) fn check_keys<E, R>(
    field: &'static str,
    edits: &[E],
    entries: &[R],
    key: impl Fn(&E) -> &str,
    key_of: impl Fn(&R) -> &str,
) -> Result<(), WrongAnswer> {
    if edits.is_empty() {
        return Ok(());
    }
    let known: HashSet<&str> = entries.iter().map(key_of).collect();
    let mut seen = HashSet::new();
    for key in edits.iter().map(key) {
        let problem = match key {
            "" => Problem::MissingKey,
            key if !known.contains(key) => Problem::UnknownKey,
            key if !seen.insert(key) => Problem::DuplicateKey,
            _ => continue,
        };
        return Err(WrongAnswer::Field { field, problem });
    }
    Ok(())
}

/// Turns edits of some entries into the complete list, in the order of the request. No edits stay none.
pub(crate) fn complete<E: Clone + Default, R>(
    edits: &mut Vec<E>,
    entries: &[R],
    key: impl Fn(&E) -> &str,
    key_of: impl Fn(&R) -> &str,
    fill: impl Fn(&mut E, &R),
) {
    if edits.is_empty() {
        return;
    }
    let by_key: HashMap<&str, &E> = edits.iter().map(|edit| (key(edit), edit)).collect();
    let whole = entries.iter().map(|entry| {
        let mut edit = by_key.get(key_of(entry)).map_or_else(E::default, |&edit| edit.clone());
        fill(&mut edit, entry);
        edit
    });
    *edits = whole.collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    type Edit = (&'static str, Option<u8>);

    fn check(edits: &[Edit]) -> Option<Problem> {
        let entries = ["a", "b"];
        check_keys("list.key", edits, &entries, |e| e.0, |r| r).err().and_then(
            |wrong| match wrong {
                WrongAnswer::Field { problem, .. } => Some(problem),
                WrongAnswer::Undecodable(_) => None,
            },
        )
    }

    #[test]
    fn an_edit_is_for_one_entry_of_the_request() {
        assert_eq!(check(&[("b", None), ("a", None)]), None);
        assert_eq!(check(&[("", None)]), Some(Problem::MissingKey));
        assert_eq!(check(&[("c", None)]), Some(Problem::UnknownKey));
        assert_eq!(check(&[("a", None), ("a", None)]), Some(Problem::DuplicateKey));
    }

    #[test]
    fn a_whole_list_has_the_requests_order_and_values() {
        let entries = [("a", 1), ("b", 2), ("c", 3)];
        let complete = |mut edits: Vec<Edit>| {
            let fill = |e: &mut Edit, r: &(&'static str, u8)| *e = (r.0, e.1.or(Some(r.1)));
            complete(&mut edits, &entries, |e| e.0, |r| r.0, fill);
            edits
        };
        let edited = complete(vec![("c", Some(9)), ("a", None)]);
        assert_eq!(edited, [("a", Some(1)), ("b", Some(2)), ("c", Some(9))]);
        assert_eq!(complete(vec![]), []);
    }

    #[test]
    fn content_must_be_one_object() {
        let check = |text| check_object("content", Some(text)).is_ok();
        assert!(check("{}") && check(r#" {"a":{"b":[1]}} "#));
        for text in ["", "[]", "null", "1", "{}{}", "{\"a\"}", "text"] {
            assert!(!check(text), "{text}");
        }
        assert!(check_object("content", None).is_ok());
    }
}
