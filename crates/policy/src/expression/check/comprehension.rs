//! Checks loops, and makes them count their rounds.

use super::super::hidden::TICK;
use super::super::types::Type;
use super::Checker;
use super::call::wrap;
use cel::common::ast::{ComprehensionExpr, Expr, operators};

/// The depth to which loops may be nested: their costs multiply.
const MAX_LOOPS: usize = 2;

impl Checker<'_> {
    pub(super) fn comprehension(&mut self, id: u64, loop_: &mut ComprehensionExpr) -> Type {
        let item = match self.node(&mut loop_.iter_range) {
            Type::List(entry) => *entry,
            // A loop over a map visits its keys.
            Type::Map(_) | Type::Record(_) | Type::Dyn => Type::Dyn,
            other => self.problem(self.source.offset(id), format!("{other} can't be looped over")),
        };
        if self.loops == MAX_LOOPS {
            let text = format!("loops may be nested {MAX_LOOPS} deep, not deeper");
            return self.problem(self.source.offset(id), text);
        }
        self.loops += 1;
        let result = self.node(&mut loop_.accu_init);
        let outer = self.variables.len();
        self.variables.push((loop_.accu_var.clone(), result));
        self.variables.push((loop_.iter_var.clone(), item));
        self.node(&mut loop_.loop_cond);
        // A round's result is the next one's input, and in the end the loop's result.
        let result = self.node(&mut loop_.loop_step);
        self.variables[outer].1 = result;
        let result = self.node(&mut loop_.result);
        self.variables.truncate(outer);
        self.loops -= 1;
        count_rounds(loop_);
        result
    }
}

/// Wraps the body of every round in a tick, without changing the shapes by which cel recognises `map`, `filter`, `all`
/// and `exists`.
fn count_rounds(loop_: &mut ComprehensionExpr) {
    let place = match (&loop_.loop_cond.expr, &mut loop_.loop_step.expr) {
        (Expr::Literal(_), Expr::Call(step)) => match (step.func_name.as_str(), &mut step.args[..])
        {
            (operators::CONDITIONAL, [condition, ..]) => condition,
            (operators::ADD, [_, entries]) => match &mut entries.expr {
                Expr::List(list) if !list.elements.is_empty() => &mut list.elements[0],
                _ => &mut loop_.loop_cond,
            },
            _ => &mut loop_.loop_cond,
        },
        _ => &mut loop_.loop_cond,
    };
    wrap(place, TICK);
}
