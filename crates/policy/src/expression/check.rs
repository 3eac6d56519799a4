//! Checks an expression against the request that it is for, and makes it ready to run.
//!
//! Names are replaced by those that cel resolves at run time: `has()` of a message's field a test, an enum's value a
//! number, a pattern a compiled one; and every loop counts its rounds.

mod call;
mod comprehension;

use super::fallible;
use super::hidden::MADE;
use super::library::Library;
use super::message::{TEST, no_field};
use super::problem::Problem;
use super::syntax_tree::SyntaxTree;
use super::types::{Member, Type};
use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, MapExpr, SelectExpr};
use cel::common::types::CelInt;
use process::suggest;
use prost_reflect::MessageDescriptor;
use std::collections::HashMap;

/// The depth to which an expression may be nested. Running it takes up to 50 KiB of stack for a level, and a
/// thread may have no more than 2 MiB.
const MAX_DEPTH: usize = 32;

/// The variable that every expression begins with.
const REQUEST: &str = "request";

/// A checked expression.
#[derive(Debug)]
pub(crate) struct Expression {
    tree: IdedExpr,
    reads_request: bool,
}

impl Expression {
    pub(super) fn inner(&self) -> &IdedExpr {
        &self.tree
    }

    /// True if it is `true` as it is written.
    pub(crate) fn is_true(&self) -> bool {
        matches!(&self.tree.expr, Expr::Literal(LiteralValue::Boolean(bool)) if *bool.inner())
    }

    /// True if its value is the same for every request.
    pub(crate) fn is_constant(&self) -> bool {
        !self.reads_request
    }
}

/// An expression that passed the check.
pub(crate) struct Checked {
    pub(crate) expression: Expression,
    pub(crate) type_: Type,
    pub(crate) warnings: Vec<Problem>,
}

impl SyntaxTree<'_> {
    /// Checks the expression over a request of the given type.
    ///
    /// # Errors
    /// Every mistake in it.
    pub(crate) fn check(
        &self,
        request: &MessageDescriptor,
        library: &mut Library,
    ) -> Result<Checked, Vec<Problem>> {
        let mut checker = Checker {
            source: self,
            library,
            variables: vec![(REQUEST.to_owned(), Type::Message(request.clone()))],
            reads_request: false,
            types: HashMap::new(),
            problems: vec![],
            depth: 0,
            loops: 0,
        };
        let mut tree = self.tree.clone();
        let type_ = checker.node(&mut tree);
        if checker.problems.is_empty() {
            let warnings = fallible::parts(self, &checker.types);
            let expression = Expression { tree, reads_request: checker.reads_request };
            Ok(Checked { expression, type_, warnings })
        } else {
            Err(checker.problems)
        }
    }
}

struct Checker<'a> {
    source: &'a SyntaxTree<'a>,
    library: &'a mut Library,
    /// The variables in scope, innermost last.
    variables: Vec<(String, Type)>,
    reads_request: bool,
    /// The types of all values, by the ids of their nodes.
    types: HashMap<u64, Type>,
    problems: Vec<Problem>,
    depth: usize,
    loops: usize,
}

impl Checker<'_> {
    /// Records a problem; the uses of the node's value are then not reported.
    fn problem(&mut self, offset: usize, text: String) -> Type {
        self.problems.push(Problem { offset, text });
        Type::Dyn
    }

    fn node(&mut self, node: &mut IdedExpr) -> Type {
        if self.depth == MAX_DEPTH {
            return self
                .problem(self.source.offset(node.id), format!("nested deeper than {MAX_DEPTH}"));
        }
        self.depth += 1;
        let type_ = self.expression(node);
        self.depth -= 1;
        self.types.insert(node.id, type_.clone());
        type_
    }

    fn expression(&mut self, node: &mut IdedExpr) -> Type {
        let id = node.id;
        if let Some(number) = self.enum_value(node) {
            node.expr = Expr::Literal(LiteralValue::Int(CelInt::from(number)));
        }
        match &mut node.expr {
            Expr::Literal(literal) => literal_type(literal),
            Expr::Ident(name) => self.variable(id, name),
            Expr::Select(select) => self.select(id, select),
            Expr::Call(call) => {
                let type_ = self.call(id, call);
                if call::may_be_large(call, &type_) {
                    call::wrap(node, MADE);
                }
                type_
            }
            Expr::List(list) => {
                let entries = list.elements.iter_mut().map(|entry| self.node(entry));
                Type::list(entries.fold(Type::Nothing, Type::or))
            }
            Expr::Map(map) => self.map(map),
            Expr::Comprehension(comprehension) => self.comprehension(id, comprehension),
            Expr::Struct(message) => {
                let text = format!("no type {}: write a message as a map", message.type_name);
                self.problem(self.source.offset(id), text)
            }
            Expr::Unspecified => Type::Dyn,
        }
    }

    /// The number of a node that spells a value of an enum, such as `Platform.PLATFORM_WEB`.
    fn enum_value(&mut self, node: &IdedExpr) -> Option<i64> {
        let Expr::Select(SelectExpr { operand, field, test: false }) = &node.expr else {
            return None;
        };
        let Expr::Ident(name) = &operand.expr else {
            return None;
        };
        if self.type_of(name).is_some() {
            return None;
        }
        Some(self.library.enum_value(name, field)?.unwrap_or_else(|problem| {
            self.problem(self.source.offset_of(field, node.id), problem);
            0
        }))
    }

    fn type_of(&self, variable: &str) -> Option<&Type> {
        self.variables.iter().rev().find(|(name, _)| name == variable).map(|(_, type_)| type_)
    }

    fn variable(&mut self, id: u64, name: &str) -> Type {
        self.reads_request |= name == REQUEST;
        if let Some(type_) = self.type_of(name) {
            return type_.clone();
        }
        let text = if self.library.names().any(|known| known == name) {
            format!("{name} is no value: select one with {name}.…")
        } else {
            let variables = self.variables.iter().map(|(variable, _)| variable.as_str());
            format!("no variable {name}{}", suggest(name, variables.chain(self.library.names())))
        };
        self.problem(self.source.offset(id), text)
    }

    fn select(&mut self, id: u64, select: &mut SelectExpr) -> Type {
        let at = self.source.offset_of(&select.field, id);
        if matches!(&select.operand.expr, Expr::Ident(name) if name == "lists")
            && self.type_of("lists").is_none()
        {
            return match self.library.use_list(&select.field) {
                Ok(()) => Type::WordList,
                Err(text) => self.problem(at, text),
            };
        }
        match self.node(&mut select.operand) {
            Type::Message(message) => match message.get_field_by_name(&select.field) {
                Some(_) if select.test => {
                    select.test = false;
                    select.field.insert(0, TEST);
                    Type::Bool
                }
                Some(field) => Type::of_field(&field),
                None => self.problem(at, no_field(&select.field, &message)),
            },
            Type::Map(_) | Type::Record(_) | Type::Dyn if select.test => Type::Bool,
            Type::Map(value) => *value,
            Type::Record(_) | Type::Dyn => Type::Dyn,
            other => self.problem(at, format!("{other} has no field {}", select.field)),
        }
    }

    fn map(&mut self, map: &mut MapExpr) -> Type {
        let mut members = Some(vec![]);
        let mut values = Type::Nothing;
        for entry in &mut map.entries {
            let EntryExpr::MapEntry(entry) = &mut entry.expr else {
                continue;
            };
            self.node(&mut entry.key);
            let value = self.node(&mut entry.value);
            values = values.or(value.clone());
            members = match &entry.key.expr {
                Expr::Literal(LiteralValue::String(key)) => members.map(|mut members| {
                    let offset = self.source.offset(entry.key.id);
                    members.push(Member { key: key.inner().to_owned(), offset, value });
                    members
                }),
                _ => None,
            };
        }
        members.map_or(Type::Map(Box::new(values)), Type::Record)
    }
}

fn literal_type(literal: &LiteralValue) -> Type {
    match literal {
        LiteralValue::Boolean(_) => Type::Bool,
        LiteralValue::Int(_) => Type::Int,
        LiteralValue::UInt(_) => Type::Uint,
        LiteralValue::Double(_) => Type::Double,
        LiteralValue::String(_) => Type::String,
        LiteralValue::Bytes(_) => Type::Bytes,
        LiteralValue::Null => Type::Null,
    }
}
