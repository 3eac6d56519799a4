//! Checks calls: of operators, of functions, and the patterns that some functions take.

use super::super::hidden::{INDEX_OF, JOIN, LAST_INDEX_OF, MADE, PRINTED, REPLACE, SPLIT_TEXT};
use super::super::types::Type;
use super::super::{functions, operators as checked};
use super::Checker;
use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};
use std::mem;

/// The variable in which a loop collects its result.
const COLLECTED: &str = "@result";

/// The functions whose second value, after the text, is a pattern.
const WITH_PATTERN: [&str; 2] = ["matches", "replaceMatches"];

/// The calls that become loops before they are checked, if they have the right arguments.
const LOOPS: [&str; 5] = ["all", "exists", "exists_one", "filter", "map"];

/// True if the value of a call may be large; the list that a loop collects is counted by its rounds.
pub(super) fn may_be_large(call: &CallExpr, type_: &Type) -> bool {
    let is_collected = matches!(&call.args[..], [IdedExpr { expr: Expr::Ident(name), .. }, ..] if name == COLLECTED);
    let makes = !matches!(call.func_name.as_str(), operators::CONDITIONAL | operators::INDEX);
    makes
        && !is_collected
        && matches!(type_, Type::String | Type::Bytes | Type::List(_) | Type::Dyn)
}

/// Puts a function around a node.
pub(super) fn wrap(node: &mut IdedExpr, function: &str) {
    let inner = mem::take(node);
    let id = inner.id;
    let call = CallExpr { func_name: function.to_owned(), target: None, args: vec![inner] };
    *node = IdedExpr { id, expr: Expr::Call(call) };
}

/// Lets a call of one of cel's own functions take steps for what it reads and makes; a mistake where it can't.
fn bound(name: &str, call: &mut CallExpr) -> Option<&'static str> {
    match (name, &mut call.target, &mut call.args[..]) {
        ("replace", Some(_), _) => call.func_name = REPLACE.to_owned(),
        ("join", Some(_), _) => call.func_name = JOIN.to_owned(),
        ("indexOf", Some(_), _) => call.func_name = INDEX_OF.to_owned(),
        ("lastIndexOf", Some(_), _) => call.func_name = LAST_INDEX_OF.to_owned(),
        ("split", Some(text), _) => wrap(text, SPLIT_TEXT),
        ("format", Some(text), [list]) if matches!(text.expr, Expr::Literal(_)) => {
            wrap(list, PRINTED);
        }
        ("format", ..) => {
            return Some(
                "the text of format must be a literal: its precisions make texts of any size",
            );
        }
        // Texts of requests; those that were made have taken their steps.
        (_, Some(text), _) if matches!(text.expr, Expr::Select(_)) => wrap(text, MADE),
        ("size", None, [text]) if matches!(text.expr, Expr::Select(_)) => wrap(text, MADE),
        _ => {}
    }
    None
}

impl Checker<'_> {
    pub(super) fn call(&mut self, id: u64, call: &mut CallExpr) -> Type {
        let name = call.func_name.as_str();
        let receiver = call.target.as_mut().map(|target| self.node(target));
        let pattern = if receiver.is_some() { 0 } else { 1 };
        let arguments: Vec<_> = call
            .args
            .iter_mut()
            .enumerate()
            .map(|(at, argument)| match argument {
                argument if at == pattern && WITH_PATTERN.contains(&name) => self.pattern(argument),
                argument => self.node(argument),
            })
            .collect();
        if let Some(result) = checked::result(name, &arguments) {
            return result.unwrap_or_else(|| {
                let text = format!("no operator for {}", checked::display(name, &arguments));
                self.problem(self.source.offset(id), text)
            });
        }
        // `has(request.nickname)` became a test, but `json(…).has('a')` is a function.
        let is_test = name == "has" && receiver.is_none();
        let result = if is_test || LOOPS.contains(&name) {
            Err(format!("{name} has the wrong arguments"))
        } else {
            functions::result(name, receiver.as_ref(), &arguments)
        };
        let name = name.to_owned();
        if result.is_ok()
            && let Some(text) = bound(&name, call)
        {
            return self.problem(self.source.offset_of(&name, id), text.to_owned());
        }
        result.unwrap_or_else(|text| self.problem(self.source.offset_of(&name, id), text))
    }

    /// Compiles a literal pattern, and replaces it by its variable.
    fn pattern(&mut self, node: &mut IdedExpr) -> Type {
        let compiled = match &node.expr {
            Expr::Literal(LiteralValue::String(text)) => self.library.add_pattern(text.inner()),
            _ => Err("a pattern must be a literal: it is compiled before any request".to_owned()),
        };
        match compiled {
            Ok(variable) => {
                node.expr = Expr::Ident(variable);
                Type::Pattern
            }
            Err(text) => self.problem(self.source.offset(node.id), text),
        }
    }
}
