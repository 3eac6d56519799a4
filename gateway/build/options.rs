//! The contract's own options, as `options.proto` defines them.

use prost_reflect::{
    DescriptorPool, ExtensionDescriptor, FieldDescriptor, MethodDescriptor, Value,
};

use crate::PACKAGE;

/// The definitions of all options.
pub(crate) struct Options {
    callback: ExtensionDescriptor,
    inline: ExtensionDescriptor,
    echo: ExtensionDescriptor,
    keyed_by: ExtensionDescriptor,
    whole: ExtensionDescriptor,
    if_present: ExtensionDescriptor,
    json_object: ExtensionDescriptor,
}

/// What `(callback)` says of an rpc.
pub(crate) struct CallbackOption {
    pub(crate) command: String,
    pub(crate) aliases: Vec<String>,
    pub(crate) setting: String,
}

/// What the field options say of one field.
pub(crate) struct FieldOptions {
    pub(crate) inline: bool,
    pub(crate) echo: bool,
    pub(crate) keyed_by: Option<String>,
    pub(crate) whole: bool,
    pub(crate) if_present: bool,
    pub(crate) json_object: bool,
}

impl Options {
    pub(crate) fn find(pool: &DescriptorPool) -> Result<Self, String> {
        let extension = |name: &str| {
            pool.get_extension_by_name(&format!("{PACKAGE}.{name}"))
                .ok_or_else(|| format!("options.proto has no option {name}"))
        };
        Ok(Self {
            callback: extension("callback")?,
            inline: extension("inline")?,
            echo: extension("echo")?,
            keyed_by: extension("keyed_by")?,
            whole: extension("whole")?,
            if_present: extension("if_present")?,
            json_object: extension("json_object")?,
        })
    }

    pub(crate) fn callback(&self, method: &MethodDescriptor) -> Option<CallbackOption> {
        let options = method.options();
        if !options.has_extension(&self.callback) {
            return None;
        }
        let value = options.get_extension(&self.callback);
        let callback = value.as_message()?;
        let text = |name: &str| Some(callback.get_field_by_name(name)?.as_str()?.to_owned());
        let aliases = callback.get_field_by_name("aliases")?;
        Some(CallbackOption {
            command: text("command")?,
            aliases: aliases
                .as_list()?
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            setting: text("setting")?,
        })
    }

    pub(crate) fn field(&self, field: &FieldDescriptor) -> FieldOptions {
        let options = field.options();
        let flag = |option| options.get_extension(option).as_bool() == Some(true);
        FieldOptions {
            inline: flag(&self.inline),
            echo: flag(&self.echo),
            keyed_by: options
                .get_extension(&self.keyed_by)
                .as_str()
                .filter(|key| !key.is_empty())
                .map(str::to_owned),
            whole: flag(&self.whole),
            if_present: flag(&self.if_present),
            json_object: flag(&self.json_object),
        }
    }
}
