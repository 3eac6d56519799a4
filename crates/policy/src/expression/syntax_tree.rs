//! Expression texts to syntax trees: limited in size, with errors that have a place.

use super::problem::Problem;
use cel::common::ast::{IdedExpr, SourceInfo};
use cel::parser::{ParseError, Parser};

/// The longest expression, in bytes. Deeper nesting than fits in it could overflow the parser's stack.
const MAX_BYTES: usize = 4 * 1024;

/// The beginning of the parser's messages about syntax.
const SYNTAX: &str = "Syntax error: ";

/// The parser's internal terms, and plain words for them.
const IN_OTHER_WORDS: [(&str, &str); 5] = [
    ("mismatched input '<EOF>'", "it ends too early"),
    ("mismatched input", "unexpected"),
    ("extraneous input", "unexpected"),
    ("no viable alternative at input", "unexpected"),
    ("token recognition error at:", "unexpected"),
];

/// An expression as it is written.
pub(crate) struct SyntaxTree<'t> {
    pub(super) text: &'t str,
    pub(super) tree: IdedExpr,
    source: SourceInfo,
}

impl<'t> SyntaxTree<'t> {
    pub(crate) fn new(text: &'t str) -> Result<Self, Problem> {
        if text.len() > MAX_BYTES {
            let text = format!("an expression may have {MAX_BYTES} bytes, not {}", text.len());
            return Err(Problem { offset: 0, text });
        }
        match Parser::new().parse_with_source_info(text) {
            Ok((tree, source)) => Ok(Self { text, tree, source }),
            Err(errors) => Err(first(text, &errors.errors)),
        }
    }

    /// The beginning of a node, or of its operator.
    pub(super) fn offset(&self, node: u64) -> usize {
        self.source.offset_for(node).map_or(0, |(start, _)| start as usize)
    }

    /// The place of a name that belongs to a node: before a call's parenthesis, or after a dot.
    pub(super) fn offset_of(&self, name: &str, node: u64) -> usize {
        let at = self.offset(node);
        let (before, after) = self.text.split_at_checked(at).unwrap_or((self.text, ""));
        if let Some(before) = before.trim_end().strip_suffix(name) {
            return before.len();
        }
        after.find(name).map_or(at, |after| at + after)
    }
}

/// The first syntax error; the parser's others are mostly its consequences.
fn first(text: &str, errors: &[ParseError]) -> Problem {
    let error = errors.iter().min_by_key(|error| (!error.msg.starts_with(SYNTAX), error.pos));
    let ((line, column), message) = error.map_or(((1, 1), ""), |error| (error.pos, &error.msg));
    if message.contains("Recursion limit") {
        return Problem { offset: 0, text: "nested too deep".to_owned() };
    }
    let message = message.strip_prefix(SYNTAX).unwrap_or(message);
    // The rest of the message lists all tokens of the language.
    let (message, _) = message.split_once(" expecting ").unwrap_or((message, ""));
    let mut message = IN_OTHER_WORDS
        .iter()
        .fold(message.to_owned(), |message, (theirs, ours)| message.replace(theirs, ours));
    if message.contains('\\') {
        message += ", write r'…' around text with a backslash";
    }
    Problem { offset: offset(text, line, column), text: message }
}

/// The byte at a line and column, both counted from 1, columns in characters.
fn offset(text: &str, line: isize, column: isize) -> usize {
    let before = |one_based: isize| usize::try_from(one_based - 1).unwrap_or_default();
    let mut lines = text.split_inclusive('\n');
    let earlier: usize = lines.by_ref().take(before(line)).map(str::len).sum();
    let line = lines.next().unwrap_or_default();
    earlier + line.chars().take(before(column)).map(char::len_utf8).sum::<usize>()
}
