//! Checks calls: of operators, of functions, and the patterns that some functions take.

use super::super::types::Type;
use super::super::{functions, operators};
use super::Checker;
use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue};

/// The functions whose second value, after the text, is a pattern.
const WITH_PATTERN: [&str; 2] = ["matches", "replaceMatches"];

/// The calls that become loops before they are checked, if they have the right arguments.
const MACROS: [&str; 6] = ["all", "exists", "exists_one", "filter", "has", "map"];

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
        if let Some(result) = operators::result(name, &arguments) {
            return result.unwrap_or_else(|| {
                let text = format!("no operator for {}", operators::display(name, &arguments));
                self.problem(self.source.offset(id), text)
            });
        }
        let result = if MACROS.contains(&name) {
            Err(format!("{name} has the wrong arguments"))
        } else {
            functions::result(name, receiver.as_ref(), &arguments)
        };
        result.unwrap_or_else(|text| self.problem(self.source.offset_of(name, id), text))
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
