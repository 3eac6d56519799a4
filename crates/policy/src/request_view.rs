//! The request as later rules see it: with the edits of the rules before them.

use crate::expression::Failure;
use crate::keyed;
use contract::{FieldOptions, message_of, values_of};
use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor, Value};

/// The field of a request that a field of its response edits.
pub(crate) struct RequestView {
    /// The inline message that the field is in, if it is in one.
    inline: Option<FieldDescriptor>,
    field: FieldDescriptor,
    form: Form,
}

/// The difference between the request's field and the response's.
enum Form {
    Same,
    /// The request has the bare list or map, the response a message around it.
    Bare,
    /// Edits of single entries, by this key.
    Keyed(String),
}

impl RequestView {
    /// Finds the request's field of the same name, in its inline messages too. None if the two have different types.
    pub(crate) fn find(
        edit: &FieldDescriptor,
        key: Option<&str>,
        request: &MessageDescriptor,
    ) -> Option<Self> {
        let (inline, field) = match request.get_field_by_name(edit.name()) {
            Some(field) => (None, field),
            None => request.fields().filter(|f| FieldOptions::of(f).inline).find_map(|inline| {
                let field = message_of(&inline)?.get_field_by_name(edit.name())?;
                Some((Some(inline), field))
            })?,
        };
        let values = message_of(edit).and_then(|message| values_of(&message));
        let form = if let Some(key) = key {
            Form::Keyed(key.to_owned())
        } else if same(edit, &field) {
            Form::Same
        } else if values.is_some_and(|values| same(&values, &field)) {
            Form::Bare
        } else {
            return None;
        };
        Some(Self { inline, field, form })
    }

    pub(crate) fn apply(&self, edit: &Value, request: &mut DynamicMessage) -> Result<(), Failure> {
        let holder = match &self.inline {
            Some(inline) => request.get_field_mut(inline).as_message_mut(),
            None => Some(request),
        };
        let holder = holder.expect("an inline field is a message");
        match &self.form {
            Form::Same => holder.set_field(&self.field, edit.clone()),
            Form::Bare => {
                let values = edit.as_message().and_then(|edit| edit.get_field_by_name("values"));
                let values = values.expect("the form is for messages with values").into_owned();
                holder.set_field(&self.field, values);
            }
            Form::Keyed(key) => {
                let entries = holder.get_field_mut(&self.field).as_list_mut();
                let entries = entries.expect("only lists have a key");
                keyed::apply(edit.as_list().unwrap_or_default(), entries, key)?;
            }
        }
        Ok(())
    }
}

fn same(one: &FieldDescriptor, other: &FieldDescriptor) -> bool {
    one.kind() == other.kind() && one.is_list() == other.is_list()
}
