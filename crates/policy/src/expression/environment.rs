//! The environment that expressions run in: cel's library, this crate's functions, the policy's lists and patterns.

use super::budget;
use super::check::Expression;
use super::failure::Failure;
use super::hidden::{INDEX_OF, JOIN, LAST_INDEX_OF, MADE, PRINTED, REPLACE, SPLIT_TEXT, TICK};
use super::json::{is_json, parse_json, to_json};
use super::json_text::json_text;
use super::json_view;
use super::library::Library;
use super::message::Message;
use super::pattern::{Pattern, matches, replace_matches};
use super::text::{index_of, index_of_from, join, last_index_of, last_index_of_from};
use super::text::{made, printed, replace, replace_n, size, split_text};
use super::word_list::{WordList, contains_any, fold_case, mask};
use cel::common::types::{CelBool, CelInt, CelString, DYN_TYPE, LIST_TYPE, STRING_TYPE};
use cel::common::value::CowVal;
use cel::{Context, DeclarationError, Env, ExecutionError, Value};
use prost_reflect::DynamicMessage;
use std::sync::Arc;

/// The names that all of a policy's expressions share.
pub(crate) struct Environment {
    root: Context<'static, 'static>,
}

impl Environment {
    pub(crate) fn new(library: Library) -> Self {
        let mut env = Env::stdlib();
        env.add_extension(cel::extensions::strings).expect("cel's own extensions do not clash");
        env.add_extension(functions).expect("no two functions have the same signature");
        let mut root = Context::with_env(Arc::new(env));
        for (name, words) in library.lists {
            root.add_variable_as_val(format!("lists.{name}"), Box::new(words));
        }
        for (name, pattern) in library.patterns {
            root.add_variable_as_val(name, Box::new(pattern));
        }
        Self { root }
    }

    /// Starts the budget of a decision; its rules are then evaluated one by one.
    pub(crate) fn start_decision(&self) {
        budget::refill();
    }

    /// A scope for one rule, over the request as the rule sees it.
    pub(crate) fn evaluation<'a>(&'a self, request: &'a DynamicMessage) -> Evaluation<'a> {
        let mut context: Context<'a, 'a> = self.root.new_inner_scope();
        context.add_variable_as_val("request", Box::new(Message::Set(request)));
        Evaluation { context }
    }
}

/// The scope of one rule.
pub(crate) struct Evaluation<'a> {
    context: Context<'a, 'a>,
}

impl<'a> Evaluation<'a> {
    pub(crate) fn condition(&self, expression: &Expression) -> Result<bool, Failure> {
        let value = self.value(expression)?;
        let bool = value.downcast_ref::<CelBool>().map(|bool| *bool.inner());
        bool.ok_or_else(|| Failure::wrong_type("the condition is no bool"))
    }

    pub(crate) fn value<'b>(
        &'b self,
        expression: &'b Expression,
    ) -> Result<CowVal<'b, 'a>, Failure> {
        let value = Value::resolve_val(expression.inner(), &self.context)?;
        // `||` and `exists` swallow errors, also those of a spent budget.
        budget::check()?;
        Ok(value)
    }
}

fn functions(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_overload(TICK, TICK, vec![DYN_TYPE], tick)?;
    env.add_overload(MADE, MADE, vec![DYN_TYPE], made)?;
    env.add_overload(SPLIT_TEXT, SPLIT_TEXT, vec![DYN_TYPE], split_text)?;
    env.add_overload(PRINTED, PRINTED, vec![DYN_TYPE], printed)?;
    cel::add_member_overload!(env, fn index_of: (CelString, CelString) -> Result<CelInt>, name = INDEX_OF)?;
    cel::add_member_overload!(env, fn index_of_from: (CelString, CelString, CelInt) -> Result<CelInt>, name = INDEX_OF)?;
    cel::add_member_overload!(env, fn last_index_of: (CelString, CelString) -> Result<CelInt>, name = LAST_INDEX_OF)?;
    cel::add_member_overload!(env, fn last_index_of_from: (CelString, CelString, CelInt) -> Result<CelInt>, name = LAST_INDEX_OF)?;
    env.add_member_overload(JOIN, "join", LIST_TYPE, vec![], join)?;
    env.add_member_overload(JOIN, "join_by", LIST_TYPE, vec![STRING_TYPE], join)?;
    cel::add_member_overload!(env, fn replace: (CelString, CelString, CelString) -> Result<CelString>, name = REPLACE)?;
    cel::add_member_overload!(env, fn replace_n: (CelString, CelString, CelString, CelInt) -> Result<CelString>, name = REPLACE)?;
    env.add_overload("parseJson", "parse_json", vec![STRING_TYPE], parse_json)?;
    env.add_overload("toJson", "to_json", vec![DYN_TYPE], to_json)?;
    env.add_overload("jsonText", "json_text", vec![STRING_TYPE, LIST_TYPE], json_text)?;
    cel::add_overload!(env, fn is_json: (CelString) -> Result<CelBool>)?;
    cel::add_overload!(env, fn matches: (CelString, Pattern) -> Result<CelBool>)?;
    cel::add_member_overload!(env, fn matches: (CelString, Pattern) -> Result<CelBool>)?;
    cel::add_member_overload!(env, fn replace_matches: (CelString, Pattern, CelString) -> Result<CelString>)?;
    cel::add_member_overload!(env, fn contains_any: (CelString, WordList) -> Result<CelBool>)?;
    cel::add_member_overload!(env, fn mask: (CelString, WordList) -> Result<CelString>)?;
    cel::add_member_overload!(env, fn lower: (CelString) -> CelString)?;
    cel::add_member_overload!(env, fn fold: (CelString) -> CelString)?;
    json_view::functions(env)
}

fn tick<'b, 'v>(mut body: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let body = body.swap_remove(0);
    budget::spend(1 + size(&*body) / 1024)?;
    Ok(body)
}

fn lower(text: &CelString<'_>) -> CelString<'static> {
    text.inner().to_lowercase().into()
}

fn fold(text: &CelString<'_>) -> CelString<'static> {
    fold_case(text.inner()).into()
}
