//! The functions that rules may call, with their types: cel does not publish its own.

use super::types::Type;
use process::suggest;
use std::sync::LazyLock;

/// Every function, as a rule calls it: members with what they are called on.
const SIGNATURES: &str = "
    size(string) -> int
    size(bytes) -> int
    size(list) -> int
    size(map) -> int
    string.size() -> int
    bytes.size() -> int
    list.size() -> int
    map.size() -> int

    string.contains(string) -> bool
    string.startsWith(string) -> bool
    string.endsWith(string) -> bool
    string.matches(pattern) -> bool
    matches(string, pattern) -> bool
    string.replaceMatches(pattern, string) -> string
    string.containsAny(words) -> bool
    string.mask(words) -> string
    string.lower() -> string
    string.fold() -> string
    string.lowerAscii() -> string
    string.upperAscii() -> string
    string.trim() -> string
    string.replace(string, string) -> string
    string.replace(string, string, int) -> string
    string.split(string) -> list(string)
    string.split(string, int) -> list(string)
    string.substring(int) -> string
    string.substring(int, int) -> string
    string.charAt(int) -> string
    string.indexOf(string) -> int
    string.indexOf(string, int) -> int
    string.lastIndexOf(string) -> int
    string.lastIndexOf(string, int) -> int
    string.reverse() -> string
    string.format(list) -> string
    list.join() -> string
    list.join(string) -> string

    json(string) -> json
    json.text(string, string) -> string
    json.int(string, int) -> int
    json.bool(string, bool) -> bool
    json.list(string) -> list(json)
    json.has(string) -> bool
    json.with(string, printable) -> string
    isJson(string) -> bool
    parseJson(string) -> dyn
    toJson(printable) -> string
    jsonText(string, list(string)) -> string

    bool(bool) -> bool
    bool(string) -> bool
    bytes(bytes) -> bytes
    bytes(string) -> bytes
    double(double) -> double
    double(int) -> double
    double(string) -> double
    double(uint) -> double
    duration(duration) -> duration
    duration(string) -> duration
    dyn(dyn) -> dyn
    int(double) -> int
    int(int) -> int
    int(string) -> int
    int(timestamp) -> int
    int(uint) -> int
    string(bool) -> string
    string(bytes) -> string
    string(double) -> string
    string(duration) -> string
    string(int) -> string
    string(string) -> string
    string(timestamp) -> string
    string(uint) -> string
    timestamp(int) -> timestamp
    timestamp(string) -> timestamp
    timestamp(timestamp) -> timestamp
    uint(double) -> uint
    uint(int) -> uint
    uint(string) -> uint
    uint(uint) -> uint

    timestamp.getFullYear() -> int
    timestamp.getFullYear(string) -> int
    timestamp.getMonth() -> int
    timestamp.getMonth(string) -> int
    timestamp.getDate() -> int
    timestamp.getDate(string) -> int
    timestamp.getDayOfWeek() -> int
    timestamp.getDayOfWeek(string) -> int
    timestamp.getHours() -> int
    timestamp.getHours(string) -> int
    timestamp.getMinutes() -> int
    timestamp.getMinutes(string) -> int
    duration.getHours() -> int
    duration.getMinutes() -> int
    duration.getSeconds() -> int
";

static FUNCTIONS: LazyLock<Vec<Function>> = LazyLock::new(|| {
    SIGNATURES.lines().map(str::trim).filter(|line| !line.is_empty()).map(Function::parse).collect()
});

/// One way to call a function.
struct Function {
    signature: &'static str,
    name: &'static str,
    receiver: Option<Type>,
    parameters: Vec<Type>,
    result: Type,
}

/// The type of a call, or the mistake in it.
pub(super) fn result(
    name: &str,
    receiver: Option<&Type>,
    arguments: &[Type],
) -> Result<Type, String> {
    let named: Vec<_> = FUNCTIONS.iter().filter(|function| function.name == name).collect();
    if named.is_empty() {
        let names = FUNCTIONS.iter().map(|function| function.name);
        return Err(format!("no function {name}{}", suggest(name, names)));
    }
    let fitting = named.iter().filter(|function| function.takes(receiver, arguments));
    let result = fitting.map(|function| function.result.clone()).reduce(Type::or);
    result.ok_or_else(|| {
        let on: Vec<_> = named.iter().filter(|function| function.is_on(receiver)).collect();
        let near = if on.is_empty() { named.iter().collect() } else { on };
        let signatures: Vec<_> = near.iter().map(|function| function.signature).collect();
        let receiver = receiver.map(|receiver| format!("{receiver}.")).unwrap_or_default();
        let arguments: Vec<_> = arguments.iter().map(Type::to_string).collect();
        let (arguments, signatures) = (arguments.join(", "), signatures.join(", "));
        format!("no {receiver}{name}({arguments}), but {signatures}")
    })
}

impl Function {
    fn parse(signature: &'static str) -> Self {
        let malformed = "SIGNATURES are well-formed";
        let (call, result) = signature.split_once(") -> ").expect(malformed);
        let (callee, parameters) = call.split_once('(').expect(malformed);
        let (receiver, name) = match callee.split_once('.') {
            Some((receiver, name)) => (Some(parse_type(receiver)), name),
            None => (None, callee),
        };
        let parameters = parameters.split(", ").filter(|name| !name.is_empty());
        Self {
            signature,
            name,
            receiver,
            parameters: parameters.map(parse_type).collect(),
            result: parse_type(result),
        }
    }

    /// True if it can be called on this value, or on none.
    fn is_on(&self, receiver: Option<&Type>) -> bool {
        match (receiver, &self.receiver) {
            (Some(receiver), Some(wanted)) => receiver.fits(wanted),
            (receiver, wanted) => receiver.is_none() && wanted.is_none(),
        }
    }

    fn takes(&self, receiver: Option<&Type>, arguments: &[Type]) -> bool {
        self.is_on(receiver)
            && arguments.len() == self.parameters.len()
            && arguments.iter().zip(&self.parameters).all(|(given, wanted)| given.fits(wanted))
    }
}

fn parse_type(name: &str) -> Type {
    match name {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "timestamp" => Type::Timestamp,
        "duration" => Type::Duration,
        "list" => Type::list(Type::Dyn),
        "list(string)" => Type::list(Type::String),
        "list(json)" => Type::list(Type::Json),
        "map" => Type::Map(Box::new(Type::Dyn)),
        "json" => Type::Json,
        "printable" => Type::Printable,
        "words" => Type::WordList,
        "pattern" => Type::Pattern,
        "dyn" => Type::Dyn,
        other => unreachable!("SIGNATURES name no type {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::operators;
    use super::*;
    use crate::expression::{Environment, Library, SyntaxTree, WordList};
    use prost_reflect::DynamicMessage;
    use std::collections::BTreeMap;

    /// An expression of each type that a signature may name.
    const VALUES: [(Type, &str); 11] = [
        (Type::Bool, "true"),
        (Type::Int, "1"),
        (Type::Uint, "1u"),
        (Type::Double, "1.0"),
        (Type::String, "'1'"),
        (Type::Bytes, "b'1'"),
        (Type::Timestamp, "timestamp(1)"),
        (Type::Duration, "duration('1s')"),
        (Type::Json, "json('{}')"),
        (Type::WordList, "lists.words"),
        (Type::Pattern, "'1'"),
    ];

    fn value(wanted: &Type) -> &'static str {
        match wanted {
            Type::List(_) => "['1']",
            Type::Map(_) => "{'1': 1}",
            Type::Dyn | Type::Printable => "1",
            other => VALUES.iter().find(|(type_, _)| type_ == other).expect("each has a value").1,
        }
    }

    /// True if an expression that the checker accepts ends in a type error when it runs.
    fn has_type_error(expression: &str) -> bool {
        let words = WordList::new(["1".to_owned()]).expect("one word");
        let mut library = Library::new(BTreeMap::from([("words".to_owned(), words)]));
        let request =
            contract::descriptors().all_messages().next().expect("the contract has messages");
        let parsed = SyntaxTree::new(expression).expect("it is CEL");
        let checked = parsed.check(&request, &mut library).expect("it is accepted").expression;
        let (environment, request) = (Environment::new(library), DynamicMessage::new(request));
        environment.start_decision();
        let evaluation = environment.evaluation(&request);
        evaluation.value(&checked).is_err_and(|failure| failure.is_type_error)
    }

    #[test]
    fn every_function_exists_with_its_types() {
        for function in FUNCTIONS.iter() {
            let arguments: Vec<_> = function.parameters.iter().map(value).collect();
            let receiver = function.receiver.as_ref().map(|type_| format!("{}.", value(type_)));
            let receiver = receiver.unwrap_or_default();
            let call = format!("{receiver}{}({})", function.name, arguments.join(", "));
            assert!(!has_type_error(&call), "{}", function.signature);
        }
    }

    #[test]
    fn every_function_is_in_the_reference() {
        let reference = include_str!("../../../../docs/policy.md");
        // `int(` is also the end of `uint(`.
        let is_name = |char: char| char.is_ascii_alphanumeric();
        for Function { name, signature, .. } in FUNCTIONS.iter() {
            let call = format!("{name}(");
            let mut calls = reference.match_indices(&call);
            let is_there = calls.any(|(at, _)| !reference[..at].ends_with(is_name));
            assert!(is_there, "docs/policy.md lacks {signature}");
        }
    }

    #[test]
    fn every_operator_takes_the_operands_that_are_accepted() {
        for operator in ["==", "<", "+", "-", "*", "/", "%", "&&"] {
            for (a, left) in &VALUES[..9] {
                for (b, right) in &VALUES[..9] {
                    let name = format!("_{operator}_");
                    if let Some(Some(_)) = operators::result(&name, &[a.clone(), b.clone()]) {
                        let expression = format!("{left} {operator} {right}");
                        assert!(!has_type_error(&expression), "{expression}");
                    }
                }
            }
        }
    }
}
