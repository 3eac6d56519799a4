//! The contract between the gateway and deciders: the descriptors of `proto/`, embedded, and its
//! options as plain types.
//!
//! A new callback or field needs no change here; a new option is a member of [`CallbackOption`] or
//! [`FieldOptions`].

mod options;

pub use options::{Callback, CallbackOption, FieldOptions};

use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};
use std::sync::LazyLock;

/// The encoded `FileDescriptorSet` of all files in `proto/`, with their imports and comments.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/contract.binpb"));

/// The files of `proto/`: the path of each below it, as imports name it, and its text.
pub const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// The package of all the contract's own names.
pub const PACKAGE: &str = "openim.decider.v1";

static DESCRIPTORS: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(DESCRIPTOR_SET).expect("the build script wrote a complete set")
});

/// The contract's descriptors, decoded once.
pub fn descriptors() -> DescriptorPool {
    DESCRIPTORS.clone()
}

/// Every rpc of every service, `FallbackService` included.
pub fn rpcs() -> impl Iterator<Item = MethodDescriptor> {
    DESCRIPTORS.services().flat_map(|service| service.methods().collect::<Vec<_>>())
}

/// Every rpc that stands for one of OpenIM's callbacks: all but those of `FallbackService`.
pub fn callbacks() -> impl Iterator<Item = Callback> {
    rpcs().filter_map(Callback::of)
}

/// The field that identifies an entry of this list of edits, if `(keyed_by)` names one.
pub fn key_of(list: &FieldDescriptor) -> Option<FieldDescriptor> {
    message_of(list)?.get_field_by_name(&FieldOptions::of(list).keyed_by?)
}

/// The only field of a message that stands for a list or map: the one named `values`.
pub fn values_of(message: &MessageDescriptor) -> Option<FieldDescriptor> {
    let values = message.get_field_by_name("values")?;
    (message.fields().len() == 1).then_some(values)
}

/// The message type of a field that holds one, of each entry if it holds several.
pub fn message_of(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    match field.kind() {
        Kind::Message(message) => Some(message),
        _ => None,
    }
}
