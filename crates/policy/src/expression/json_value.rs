//! JSON that users write, as a value of expressions.

use cel::common::types::Type;
use cel::common::value::{StaticVal, Val};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use std::any::Any;
use std::sync::Arc;

static TYPE: Type = Type::new_unspecified_type("json");

/// A JSON value as its text, of which each function reads what it needs; `null` where there is no JSON.
///
/// Whatever Go's `encoding/json` finds, which OpenIM's server and clients use, is found: the name of a member may be in
/// any case, the last one of the type counts, and an object or a list that comes twice is joined. Go forgets some values
/// before `null`; here `null` hides nothing.
#[derive(Clone, Debug)]
pub(super) struct Json(pub(super) Arc<str>);

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(&self.0).ok().serialize(serializer)
    }
}

impl Val for Json {
    fn get_type(&self) -> &Type {
        &TYPE
    }

    fn cel_type() -> &'static Type {
        &TYPE
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Json {}
