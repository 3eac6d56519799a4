//! Compiles a rule for each rpc that it names.

use crate::expression::{Checked, Library, Problem, Type, no_field};
use crate::file::{Defaults, Mode, OnError};
use crate::mistakes::{Mistakes, RuleMistakes};
use crate::parsed::{Consequence, ParsedExpression};
use crate::request_view::RequestView;
use crate::rpcs::Rpcs;
use crate::rule::{Compiled, Edit, Placed, Rule, Then};
use crate::{denial, edit, file, warnings};
use contract::{FieldOptions, key_of};
use prost_reflect::{FieldDescriptor, MethodDescriptor};
use serde_saphyr::Spanned;

/// Compiles rules one after the other, with the parts that they share.
pub(crate) struct Compiler {
    library: Library,
    rpcs: Rpcs,
    rules: Vec<Compiled>,
}

impl Compiler {
    pub(crate) fn new(library: Library) -> Self {
        Self { library, rpcs: Rpcs::new(), rules: vec![] }
    }

    pub(crate) fn finish(self) -> (Vec<Compiled>, Library) {
        (self.rules, self.library)
    }

    /// Compiles a rule for each of its rpcs. Wrong parts are left out, and the rest is checked.
    pub(crate) fn rule(
        &mut self,
        file: usize,
        written: &Spanned<file::Rule>,
        defaults: &Defaults,
        mistakes: &mut Mistakes<'_>,
    ) {
        let (rule, place) = (&written.value, written.referenced);
        let mistakes = &mut mistakes.of(&rule.name);
        if rule.on.is_empty() {
            mistakes.add(&place, "it names no rpc");
        }
        let when = ParsedExpression::parse(&rule.when, mistakes);
        let consequence = Consequence::parse(rule, &place, mistakes);
        for (place, text) in rule.deny.iter().flat_map(warnings::plain_texts) {
            mistakes.warn(&place, &text);
        }
        let on_error = match rule.mode {
            Mode::Enforce => rule.on_error.unwrap_or(defaults.on_error),
            Mode::Log => OnError::Skip,
        };
        let deny = rule.deny.as_ref().unwrap_or(&defaults.deny);
        for on in &rule.on {
            let Some(rpc) = self.rpc(on, mistakes) else {
                continue;
            };
            let when = when.as_ref().and_then(|when| self.condition(when, &rpc, mistakes));
            let then = consequence.as_ref().and_then(|consequence| match consequence {
                Consequence::Deny(deny) => {
                    denial::response(deny, &rule.name, &rpc.output()).map(Then::Deny)
                }
                Consequence::Allow => Some(Then::Allow),
                Consequence::Edit(edits) => Some(Then::Edit(self.edits(edits, &rpc, mistakes))),
            });
            let failed = denial::response(deny, &rule.name, &rpc.output());
            if let (Some(when), Some(then), Some(failed)) = (when, then, failed) {
                let (name, mode) = (rule.name.clone(), rule.mode);
                let rule = Rule { name, when, then, mode, on_error, failed };
                self.rules.push(Compiled { rpc, rule, file, place });
            }
        }
    }

    /// Finds an rpc that a rule can decide.
    fn rpc(
        &self,
        name: &Spanned<String>,
        mistakes: &mut RuleMistakes<'_, '_>,
    ) -> Option<MethodDescriptor> {
        let found = self.rpcs.find(&name.value);
        found.map_err(|text| mistakes.add(&name.referenced, &text)).ok().cloned()
    }

    fn condition(
        &mut self,
        when: &ParsedExpression<'_>,
        rpc: &MethodDescriptor,
        mistakes: &mut RuleMistakes<'_, '_>,
    ) -> Option<Placed> {
        let (expression, type_) = self.expression(when, rpc, mistakes)?;
        if type_.fits(&Type::Bool) {
            return Some(expression);
        }
        let text = format!("the condition gives {type_}, not bool");
        mistakes.add_problem(when.source, &Problem { offset: 0, text });
        None
    }

    fn edits(
        &mut self,
        edits: &[(&Spanned<String>, ParsedExpression<'_>)],
        rpc: &MethodDescriptor,
        mistakes: &mut RuleMistakes<'_, '_>,
    ) -> Vec<Edit> {
        let edits = edits.iter().filter_map(|(name, value)| {
            // Both are checked, even if the first is wrong.
            let field = edited_field(name, rpc, mistakes);
            let expression = self.expression(value, rpc, mistakes);
            let (field, (expression, type_)) = (field?, expression?);
            let problems = edit::check(&type_, &field);
            for problem in &problems {
                mistakes.add_problem(value.source, problem);
            }
            let key = key_of(&field).map(|key| key.name().to_owned());
            let request_view = RequestView::find(&field, key.as_deref(), &rpc.input());
            let is_json_object = FieldOptions::of(&field).json_object;
            let edit = Edit { field, key, is_json_object, value: expression, request_view };
            problems.is_empty().then_some(edit)
        });
        edits.collect()
    }

    fn expression(
        &mut self,
        written: &ParsedExpression<'_>,
        rpc: &MethodDescriptor,
        mistakes: &mut RuleMistakes<'_, '_>,
    ) -> Option<(Placed, Type)> {
        let checked = written.parsed.check(&rpc.input(), &mut self.library);
        for problem in checked.as_ref().err().into_iter().flatten() {
            mistakes.add_problem(written.source, problem);
        }
        let Checked { expression, type_, warnings } = checked.ok()?;
        for warning in &warnings {
            mistakes.warn_problem(written.source, warning);
        }
        let place = mistakes.name(&written.source.referenced);
        Some((Placed { expression, place }, type_))
    }
}

/// Finds a field of the response that a rule can edit.
fn edited_field(
    name: &Spanned<String>,
    rpc: &MethodDescriptor,
    mistakes: &mut RuleMistakes<'_, '_>,
) -> Option<FieldDescriptor> {
    let response = rpc.output();
    let field = response.get_field_by_name(&name.value);
    let text = match field {
        _ if response.fields().len() == 1 => format!("{} can be denied, not edited", rpc.name()),
        None => no_field(&name.value, &response),
        Some(_) if field == denial::field_of(&response) => "to deny, write deny".to_owned(),
        Some(field) => return Some(field),
    };
    mistakes.add(&name.referenced, &text);
    None
}
