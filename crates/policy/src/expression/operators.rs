//! CEL's operators: the types of their operands and results.

use super::types::Type;
use cel::common::ast::operators as op;

/// The type of an operator's result; `Some(None)` if it does not take these operands, `None` if it is no operator.
pub(super) fn result(operator: &str, operands: &[Type]) -> Option<Option<Type>> {
    use Type::{Bool, Bytes, Double, Duration, Dyn, Int, List, Map, Record, Timestamp};
    let takes = |takes: bool, gives: Type| takes.then_some(gives);
    Some(match (operator, operands) {
        (op::LOGICAL_AND | op::LOGICAL_OR, [a, b]) => takes(a.fits(&Bool) && b.fits(&Bool), Bool),
        (op::LOGICAL_NOT | op::NOT_STRICTLY_FALSE, [a]) => takes(a.fits(&Bool), Bool),
        (op::CONDITIONAL, [condition, a, b]) => {
            takes(condition.fits(&Bool), a.clone().or(b.clone()))
        }
        (op::EQUALS | op::NOT_EQUALS, [a, b]) => takes(equatable(a, b), Bool),
        (op::LESS | op::LESS_EQUALS | op::GREATER | op::GREATER_EQUALS, [a, b]) => {
            takes(ordered(a, b), Bool)
        }
        (op::IN, [a, Type::WordList]) => takes(a.fits(&Type::String), Bool),
        (op::IN, [a, List(entry)]) => takes(equatable(a, entry), Bool),
        (op::IN, [_, Map(_) | Record(_) | Dyn]) => Some(Bool),
        (op::INDEX, [List(entry), index]) => takes(index.fits(&Int), (**entry).clone()),
        (op::INDEX, [Map(value), _]) => Some((**value).clone()),
        (op::INDEX, [Record(_) | Dyn, _]) => Some(Dyn),
        (op::NEGATE, [a @ (Int | Double | Duration | Dyn)]) => Some(a.clone()),
        (op::ADD, [List(a), List(b)]) => Some(Type::list((**a).clone().or((**b).clone()))),
        (op::ADD, [a @ (Type::String | Bytes), b]) => takes(b.fits(a), a.clone()),
        (op::ADD, [Timestamp, Duration] | [Duration, Timestamp]) => Some(Timestamp),
        (op::SUBSTRACT, [Timestamp, Timestamp]) => Some(Duration),
        (op::SUBSTRACT, [Timestamp, Duration]) => Some(Timestamp),
        (op::ADD | op::SUBSTRACT, [Duration, Duration]) => Some(Duration),
        (op::MODULO, [Double, _]) => None,
        (op::ADD | op::SUBSTRACT | op::MULTIPLY | op::DIVIDE | op::MODULO, [a, b]) => {
            let numbers = a == b && a.is_number();
            takes(numbers || *a == Dyn || *b == Dyn, if numbers { a.clone() } else { Dyn })
        }
        (op::IN | op::INDEX | op::NEGATE, _) => None,
        _ => return None,
    })
}

/// True if values of these types can ever be equal. Messages and JSON can't: they are compared by field.
fn equatable(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Message(_) | Type::Json, _) | (_, Type::Message(_) | Type::Json) => false,
        (Type::List(a), Type::List(b)) => equatable(a, b),
        (Type::Map(_) | Type::Record(_), Type::Map(_) | Type::Record(_)) => true,
        _ => a.fits(b) || b.fits(a) || (a.is_number() && b.is_number()),
    }
}

fn ordered(a: &Type, b: &Type) -> bool {
    let has_order = |t: &Type| {
        use Type::{Bool, Bytes, Duration, Dyn, Timestamp};
        t.is_number() || matches!(t, Type::String | Bool | Bytes | Timestamp | Duration | Dyn)
    };
    has_order(a) && has_order(b) && equatable(a, b)
}

/// An operator's use as it is written, for messages.
pub(super) fn display(operator: &str, operands: &[Type]) -> String {
    match operands {
        [a] => format!("{}{a}", operator.trim_end_matches('_')),
        [a, b] if operator == op::INDEX => format!("{a}[{b}]"),
        [a, b] => format!("{a} {} {b}", operator.trim_matches(['_', '@'])),
        [a, b, c] => format!("{a} ? {b} : {c}"),
        _ => operator.to_owned(),
    }
}
