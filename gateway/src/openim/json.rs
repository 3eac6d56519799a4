//! Reads OpenIM's JSON into messages, leniently where its servers are inconsistent, and only there; the generated code
//! names the keys.

mod lists;
mod object;
mod reader;
mod value;

pub use self::lists::{ListOrSingle, SingletonLists};
pub use self::object::{Body, Member, Object, read};
pub(crate) use self::object::{COMMAND, share};
pub use self::reader::Error;
pub use self::value::Value;
pub(crate) use self::value::integer_in;
