//! Reads OpenIM's JSON into messages, as leniently as its servers are inconsistent and no more; the generated code
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
