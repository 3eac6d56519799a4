//! The parts of an expression that content can make fail, each with a way to write it that can't.
//!
//! A part is safe beside a condition that asks for what it needs: `x[0]` beside `x.size() > 0`. The condition's bounds
//! are not compared with the index.

use super::problem::Problem;
use super::syntax_tree::SyntaxTree;
use super::types::Type;
use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators as op};
use std::collections::HashMap;

/// The comparisons that tell whether a number is zero.
const COMPARISONS: [&str; 6] =
    [op::EQUALS, op::NOT_EQUALS, op::LESS, op::LESS_EQUALS, op::GREATER, op::GREATER_EQUALS];

/// The functions that read a text, with what they fail on and what to write.
const CONVERSIONS: [(&str, &str, &str); 6] = [
    ("int", "no number", "json(x).int('', 0)"),
    ("uint", "no number", "x.matches(r'^[0-9]{1,9}$') ? uint(x) : 0u"),
    ("double", "no number", "x.matches(r'^[0-9]{1,9}$') ? double(x) : 0.0"),
    ("bool", "neither true nor false", "x == 'true'"),
    ("timestamp", "no time", "x < '2026-01-31T12:00:00Z', which compares the texts"),
    ("duration", "no duration", "x.matches(r'^[0-9]{1,9}s$') ? duration(x) : duration('0s')"),
];

/// Finds them in an expression with these types, by the ids of its nodes.
pub(super) fn parts(source: &SyntaxTree<'_>, types: &HashMap<u64, Type>) -> Vec<Problem> {
    let mut search = Search { source, types, guards: vec![], warnings: vec![] };
    search.node(&source.tree);
    search.warnings
}

struct Search<'a> {
    source: &'a SyntaxTree<'a>,
    types: &'a HashMap<u64, Type>,
    /// The values that the conditions around a part ask for.
    guards: Vec<Guard>,
    warnings: Vec<Problem>,
}

/// A question about a value, which is named by its spelling.
#[derive(PartialEq)]
enum Guard {
    Size(String),
    Matches(String),
    Compares(String),
    /// The map and the key.
    Has(String, String),
}

/// A part that may fail, unless it is guarded.
struct Risk {
    offset: usize,
    guard: Option<Guard>,
    text: String,
}

impl Search<'_> {
    fn node(&mut self, node: &IdedExpr) {
        let before = self.warnings.len();
        match &node.expr {
            Expr::Call(CallExpr { func_name, args, .. }) => match (func_name.as_str(), &args[..]) {
                (op::CONDITIONAL, [condition, a, b]) => {
                    self.node(condition);
                    self.beside(condition, a);
                    self.beside(condition, b);
                }
                // A side that fails is ignored where the other decides, in either order.
                (op::LOGICAL_AND | op::LOGICAL_OR, [a, b]) => {
                    self.beside(b, a);
                    self.beside(a, b);
                }
                _ => children(node).into_iter().for_each(|child| self.node(child)),
            },
            _ => children(node).into_iter().for_each(|child| self.node(child)),
        }
        let Some(Risk { offset, guard, text }) = self.risk(node) else {
            return;
        };
        // A member of what may fail itself needs no warning of its own.
        let is_member = match &node.expr {
            Expr::Call(call) => call.func_name == op::INDEX,
            other => matches!(other, Expr::Select(_)),
        };
        let is_told = is_member && self.warnings.len() > before;
        if !is_told && !guard.is_some_and(|guard| self.guards.contains(&guard)) {
            self.warnings.push(Problem { offset, text });
        }
    }

    /// Searches a part that counts only where a condition holds, or only where it does not.
    fn beside(&mut self, condition: &IdedExpr, part: &IdedExpr) {
        let outer = self.guards.len();
        add_guards(condition, &mut self.guards);
        self.node(part);
        self.guards.truncate(outer);
    }

    fn risk(&self, node: &IdedExpr) -> Option<Risk> {
        let risk = match &node.expr {
            Expr::Select(select) if !select.test => {
                let is_open = matches!(self.type_of(&select.operand)?, Type::Map(_) | Type::Dyn);
                is_open.then(|| Risk {
                    offset: self.source.offset_of(&select.field, node.id),
                    guard: Some(Guard::Has(spelling(&select.operand), text(&select.field))),
                    text: "a member may be missing: write has(x.a) ? x.a : …".to_owned(),
                })?
            }
            Expr::Call(call) => self.risk_of_call(node.id, call)?,
            _ => return None,
        };
        self.reads(node).then_some(risk)
    }

    fn risk_of_call(&self, id: u64, call: &CallExpr) -> Option<Risk> {
        let name = call.func_name.as_str();
        let (guard, text) = match (name, call.target.as_deref(), &call.args[..]) {
            (op::INDEX, None, [of, index]) => self.risk_of_index(of, index)?,
            (op::DIVIDE | op::MODULO, None, [_, by]) => {
                let fails = self.reads(by) && self.type_of(by) != Some(&Type::Double);
                let text = "a division fails by 0: write y == 0 ? … : x / y".to_owned();
                fails.then(|| (Some(Guard::Compares(spelling(by))), text))?
            }
            ("parseJson", None, _) => {
                let text = "parseJson fails on what is no JSON, or lacks a member: write \
                            json(x).int('a', 0) or .text('a', '')";
                (None, text.to_owned())
            }
            // Every text has a place 0, if only the one after its last character.
            ("substring" | "charAt", Some(_), [from]) if is_zero(from) => return None,
            ("indexOf" | "lastIndexOf", Some(_), [_]) => return None,
            ("substring" | "charAt" | "indexOf" | "lastIndexOf", Some(of), _) => {
                let text =
                    format!("{name} fails on a text that is too short: write x.size() > 1 ? … : …");
                (Some(Guard::Size(spelling(of))), text)
            }
            (_, None, [of]) if self.type_of(of) == Some(&Type::String) => {
                let conversion = CONVERSIONS.iter().find(|(function, ..)| *function == name);
                let (_, on, instead) = conversion?;
                let text = format!("{name} fails on a text that is {on}: write {instead}");
                (Some(Guard::Matches(spelling(of))), text)
            }
            _ => return None,
        };
        let is_operator = !name.starts_with(char::is_alphabetic);
        let offset =
            if is_operator { self.source.offset(id) } else { self.source.offset_of(name, id) };
        Some(Risk { offset, guard, text })
    }

    fn risk_of_index(&self, of: &IdedExpr, index: &IdedExpr) -> Option<(Option<Guard>, String)> {
        let is_fixed =
            matches!(of.expr, Expr::List(_)) || matches!(self.type_of(of)?, Type::Record(_));
        let is_literal = is_fixed && matches!(index.expr, Expr::Literal(_));
        let list = "an index fails on a list that is too short: write x.size() > 0 ? x[0] : …";
        let map = "an index fails where the key is missing: write 'a' in x ? x['a'] : …";
        match self.type_of(of)? {
            _ if is_literal || (is_split(of) && is_zero(index)) => None,
            Type::List(_) => Some((Some(Guard::Size(spelling(of))), list.to_owned())),
            Type::Map(_) | Type::Record(_) | Type::Dyn => {
                Some((Some(Guard::Has(spelling(of), spelling(index))), map.to_owned()))
            }
            _ => None,
        }
    }

    fn type_of(&self, node: &IdedExpr) -> Option<&Type> {
        self.types.get(&node.id)
    }

    /// True if it reads a variable: the request, or an entry of a loop. Names of enums and lists have no type.
    fn reads(&self, node: &IdedExpr) -> bool {
        matches!(node.expr, Expr::Ident(_)) && self.type_of(node).is_some()
            || children(node).into_iter().any(|child| self.reads(child))
    }
}

/// Adds what a condition asks for, anywhere in it.
fn add_guards(condition: &IdedExpr, guards: &mut Vec<Guard>) {
    match &condition.expr {
        Expr::Select(select) if select.test => {
            guards.push(Guard::Has(spelling(&select.operand), text(&select.field)));
        }
        Expr::Call(call) => {
            let operands: Vec<_> = call.target.as_deref().into_iter().chain(&call.args).collect();
            match (call.func_name.as_str(), &operands[..]) {
                ("size", [of]) => guards.push(Guard::Size(spelling(of))),
                ("matches", [of, _]) => guards.push(Guard::Matches(spelling(of))),
                (op::IN, [key, of]) => guards.push(Guard::Has(spelling(of), spelling(key))),
                (name, [a, b]) if COMPARISONS.contains(&name) => {
                    guards.extend([a, b].map(|side| Guard::Compares(spelling(side))));
                }
                _ => {}
            }
        }
        _ => {}
    }
    children(condition).into_iter().for_each(|child| add_guards(child, guards));
}

fn children(node: &IdedExpr) -> Vec<&IdedExpr> {
    match &node.expr {
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => {
            let entries = map.entries.iter().map(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
                EntryExpr::StructField(field) => vec![&field.value],
            });
            entries.flatten().collect()
        }
        Expr::Comprehension(c) => {
            vec![&c.iter_range, &c.accu_init, &c.loop_cond, &c.loop_step, &c.result]
        }
        _ => vec![],
    }
}

fn is_zero(node: &IdedExpr) -> bool {
    matches!(&node.expr, Expr::Literal(LiteralValue::Int(int)) if *int.inner() == 0)
}

/// True if it is a list of at least one text.
fn is_split(node: &IdedExpr) -> bool {
    matches!(&node.expr, Expr::Call(call) if call.func_name == "split" && call.args.len() == 1)
}

/// One text for nodes that are the same, however they are written.
fn spelling(node: &IdedExpr) -> String {
    match &node.expr {
        Expr::Ident(name) => name.clone(),
        Expr::Literal(LiteralValue::String(literal)) => text(literal.inner()),
        Expr::Literal(literal) => format!("{literal:?}"),
        Expr::Select(select) => format!("{}[{}]", spelling(&select.operand), text(&select.field)),
        Expr::Call(call) => format!("{}({})", call.func_name, spellings(node)),
        Expr::List(_) => format!("[{}]", spellings(node)),
        Expr::Map(_) => format!("{{{}}}", spellings(node)),
        // Compared with nothing.
        _ => format!("#{}", node.id),
    }
}

fn spellings(node: &IdedExpr) -> String {
    children(node).into_iter().map(spelling).collect::<Vec<_>>().join(", ")
}

fn text(literal: &str) -> String {
    format!("{literal:?}")
}
