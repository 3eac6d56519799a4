//! Checks that the type of an edit's expression suits the response field that it is for.

use crate::expression::{Problem, Type, no_field};
use contract::{key_of, values_of};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

/// The problems of an edit of this type, except those that only values show.
pub(crate) fn check(edit: &Type, field: &FieldDescriptor) -> Vec<Problem> {
    let mut check = Check { name: field.name().to_owned(), offset: 0, problems: vec![] };
    check.field(edit, field);
    check.problems
}

struct Check {
    /// The field that is checked, and the offset of its value in the expression.
    name: String,
    offset: usize,
    problems: Vec<Problem>,
}

impl Check {
    fn problem(&mut self, text: String) {
        self.problems.push(Problem { offset: self.offset, text });
    }

    fn field(&mut self, edit: &Type, field: &FieldDescriptor) {
        let wanted = Type::of_field(field);
        match (edit, field.kind()) {
            (Type::List(entry), Kind::Message(message)) if field.is_list() => {
                self.message(entry, &message, key_of(field));
            }
            (edit, Kind::Message(message)) if !field.is_list() && !field.is_map() => {
                self.message(edit, &message, None);
            }
            (edit, _) if edit.fits(&wanted) => {}
            (edit, _) => self.problem(format!("{} takes {wanted}, not {edit}", self.name)),
        }
    }

    fn message(&mut self, edit: &Type, message: &MessageDescriptor, key: Option<FieldDescriptor>) {
        if let Some(values) = values_of(message) {
            return self.field(edit, &values);
        }
        let members = match edit {
            Type::Record(members) => members,
            Type::Dyn | Type::Nothing | Type::Map(_) => return,
            other => {
                let text = format!("{} takes a map of its fields, not {other}", self.name);
                return self.problem(text);
            }
        };
        if let Some(key) = key
            && !members.iter().any(|member| member.key == key.name())
        {
            self.problem(format!("every entry of {} needs its {}", self.name, key.name()));
        }
        for member in members {
            self.offset = member.offset;
            match message.get_field_by_name(&member.key) {
                Some(field) => {
                    self.name = member.key.clone();
                    self.field(&member.value, &field);
                }
                None => self.problem(no_field(&member.key, message)),
            }
        }
    }
}
