//! The contract as this crate was built with it, and what its options say of a field.

use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, Value};
use std::sync::LazyLock;

/// The encoded `FileDescriptorSet` of all files in `proto/`, with their imports and comments.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/contract.binpb"));

/// The package of all the contract's own names.
pub(crate) const PACKAGE: &str = "openim.decider.v1";

static CONTRACT: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(DESCRIPTOR_SET).expect("the build script wrote a complete set")
});

/// The contract's descriptors, decoded once. Its options are extensions of theirs.
pub fn contract() -> DescriptorPool {
    CONTRACT.clone()
}

/// Whether the fields of this message lie beside their siblings in OpenIM's JSON.
pub(crate) fn is_inline(field: &FieldDescriptor) -> bool {
    option(field, "inline").is_some_and(|value| value.as_bool() == Some(true))
}

/// Whether the text in this field must be a JSON object.
pub(crate) fn is_json_object(field: &FieldDescriptor) -> bool {
    option(field, "json_object").is_some_and(|value| value.as_bool() == Some(true))
}

/// The field that identifies an entry of this list of edits, if one does.
pub(crate) fn key_of(list: &FieldDescriptor) -> Option<FieldDescriptor> {
    let key = option(list, "keyed_by")?;
    list.kind().as_message()?.get_field_by_name(key.as_str()?)
}

/// The only field of a message that stands for a list or map: the one named `values`.
pub(crate) fn values_of(message: &MessageDescriptor) -> Option<FieldDescriptor> {
    let values = message.get_field_by_name("values")?;
    (message.fields().len() == 1).then_some(values)
}

/// The message type of a field that holds one.
pub(crate) fn message_of(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    match field.kind() {
        Kind::Message(message) => Some(message),
        _ => None,
    }
}

fn option(field: &FieldDescriptor, name: &str) -> Option<Value> {
    let extension = CONTRACT.get_extension_by_name(&format!("{PACKAGE}.{name}"))?;
    let options = field.options();
    options.has_extension(&extension).then(|| options.get_extension(&extension).into_owned())
}
