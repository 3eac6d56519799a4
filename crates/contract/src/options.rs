//! The contract's own options, as `options.proto` defines them.

use crate::{DESCRIPTORS, PACKAGE};
use prost_reflect::{ExtensionDescriptor, FieldDescriptor, MethodDescriptor, Value};
use std::sync::LazyLock;

/// An rpc that stands for one of OpenIM's callbacks.
#[derive(Clone, Debug)]
pub struct Callback {
    /// The rpc.
    pub rpc: MethodDescriptor,
    /// The callback's names.
    pub option: CallbackOption,
}

/// The `(callback)` option of an rpc.
#[derive(Clone, Debug)]
pub struct CallbackOption {
    /// The callback's name on the wire today.
    pub command: String,
    /// Other commands that mean the same callback.
    pub aliases: Vec<String>,
    /// Its key in OpenIM's webhooks.yml, and in the gateway's settings.
    pub setting: String,
    /// The request's fields that make the key of an event's order.
    pub ordered_by: Vec<String>,
}

/// The options of a field. `options.proto` explains their effects in the gateway.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "they are documented there")]
pub struct FieldOptions {
    pub inline: bool,
    pub echo: bool,
    pub keyed_by: Option<String>,
    pub whole: bool,
    pub if_present: bool,
    pub json_object: bool,
    pub sensitive: bool,
}

impl Callback {
    /// Reads the rpc's option, if it has one.
    pub fn of(rpc: MethodDescriptor) -> Option<Self> {
        let options = rpc.options();
        if !options.has_extension(&EXTENSIONS.callback) {
            return None;
        }
        let value = options.get_extension(&EXTENSIONS.callback);
        let callback = value.as_message()?;
        let text = |name: &str| Some(callback.get_field_by_name(name)?.as_str()?.to_owned());
        let texts = |name: &str| {
            let list = callback.get_field_by_name(name)?;
            let texts = list.as_list()?.iter().filter_map(Value::as_str).map(str::to_owned);
            Some(texts.collect())
        };
        let option = CallbackOption {
            command: text("command")?,
            aliases: texts("aliases")?,
            setting: text("setting")?,
            ordered_by: texts("ordered_by")?,
        };
        Some(Self { rpc, option })
    }

    /// True if it comes before something happens, false if after.
    pub fn is_before(&self) -> bool {
        self.rpc.name().starts_with("Before")
    }
}

impl FieldOptions {
    /// Reads the options of a field of the contract; a field without any has all unset.
    pub fn of(field: &FieldDescriptor) -> Self {
        let options = field.options();
        let flag = |option| options.get_extension(option).as_bool() == Some(true);
        let keyed_by = options.get_extension(&EXTENSIONS.keyed_by);
        Self {
            inline: flag(&EXTENSIONS.inline),
            echo: flag(&EXTENSIONS.echo),
            keyed_by: keyed_by.as_str().filter(|key| !key.is_empty()).map(str::to_owned),
            whole: flag(&EXTENSIONS.whole),
            if_present: flag(&EXTENSIONS.if_present),
            json_object: flag(&EXTENSIONS.json_object),
            sensitive: flag(&EXTENSIONS.sensitive),
        }
    }
}

/// The definitions of all options.
struct Extensions {
    callback: ExtensionDescriptor,
    inline: ExtensionDescriptor,
    echo: ExtensionDescriptor,
    keyed_by: ExtensionDescriptor,
    whole: ExtensionDescriptor,
    if_present: ExtensionDescriptor,
    json_object: ExtensionDescriptor,
    sensitive: ExtensionDescriptor,
}

static EXTENSIONS: LazyLock<Extensions> = LazyLock::new(|| {
    let extension = |name: &str| {
        let extension = DESCRIPTORS.get_extension_by_name(&format!("{PACKAGE}.{name}"));
        extension.unwrap_or_else(|| panic!("options.proto defines no option {name}"))
    };
    Extensions {
        callback: extension("callback"),
        inline: extension("inline"),
        echo: extension("echo"),
        keyed_by: extension("keyed_by"),
        whole: extension("whole"),
        if_present: extension("if_present"),
        json_object: extension("json_object"),
        sensitive: extension("sensitive"),
    }
});
