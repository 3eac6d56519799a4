//! The mistakes in a policy file, each with its line and column, collected to be reported at once.

use crate::expression::Problem;
use serde_saphyr::{Location, Spanned};
use std::collections::BTreeSet;

/// The mistakes in a file, in the file's order, each once.
pub(crate) struct Mistakes<'a> {
    file: &'a str,
    source: &'a str,
    found: BTreeSet<(Place, String)>,
}

/// A line and a column, both from 1.
type Place = (u64, u64);

impl<'a> Mistakes<'a> {
    pub(crate) fn new(file: &'a str, source: &'a str) -> Self {
        Self { file, source, found: BTreeSet::new() }
    }

    /// Adds a mistake at a place of the file.
    pub(crate) fn add(&mut self, place: &Location, text: String) {
        self.found.insert(((place.line(), place.column()), text));
    }

    /// Adds a mistake that is at no place of the file.
    pub(crate) fn add_to_file(&mut self, text: String) {
        self.found.insert(((1, 1), text));
    }

    /// `file:line:column` of a place.
    pub(crate) fn name(&self, place: &Location) -> String {
        format!("{}:{}:{}", self.file, place.line(), place.column())
    }

    /// Collects the mistakes of a rule.
    pub(crate) fn of<'m>(&'m mut self, rule: &'m str) -> RuleMistakes<'m, 'a> {
        RuleMistakes { mistakes: self, rule }
    }

    /// `file:line:column: text` of each mistake; nothing if there are none.
    pub(crate) fn into_lines(self) -> Vec<String> {
        let line = |((line, column), text)| format!("{}:{line}:{column}: {text}", self.file);
        self.found.into_iter().map(line).collect()
    }
}

/// The mistakes of one rule.
pub(crate) struct RuleMistakes<'m, 'a> {
    mistakes: &'m mut Mistakes<'a>,
    rule: &'m str,
}

impl RuleMistakes<'_, '_> {
    /// Adds a mistake at a place of the file.
    pub(crate) fn add(&mut self, place: &Location, text: &str) {
        self.mistakes.add(place, format!("rule {:?}: {text}", self.rule));
    }

    /// `file:line:column` of a place.
    pub(crate) fn name(&self, place: &Location) -> String {
        self.mistakes.name(place)
    }

    /// Adds a problem in an expression that stands in the file.
    pub(crate) fn add_problem(&mut self, expression: &Spanned<String>, problem: &Problem) {
        let place = place_in(self.mistakes.source, expression, problem.offset);
        let text = format!("rule {:?}: {}", self.rule, problem.text);
        self.mistakes.found.insert((place, text));
    }
}

/// The place in the source of the byte `at` of a scalar's value. A scalar may be quoted, folded or indented there, so
/// the lines of its value are searched for there, one after the other.
fn place_in(source: &str, scalar: &Spanned<String>, at: usize) -> Place {
    let (place, span) = (scalar.referenced, scalar.referenced.span());
    let start = span.byte_offset().map_or(0, |offset| offset as usize);
    let end = start + span.byte_len().map_or(0, |length| length as usize);
    let (mut line_start, mut searched) = (start, 0);
    for line in source.get(start..end).unwrap_or_default().split_inclusive('\n') {
        let is_quote = |char| line_start == start && ['"', '\''].contains(&char);
        let content = line.trim().trim_matches(is_quote);
        let Some(found) = scalar.value[searched..].find(content) else {
            break;
        };
        let value_start = searched + found;
        searched = value_start + content.len();
        if at <= searched {
            let indent = line.find(content).unwrap_or_default();
            return place_of(source, (line_start + indent + at).saturating_sub(value_start));
        }
        line_start += line.len();
    }
    (place.line(), place.column())
}

fn place_of(source: &str, offset: usize) -> Place {
    let before = &source[..source.floor_char_boundary(offset)];
    let line = before.matches('\n').count();
    let column = before.chars().rev().take_while(|char| *char != '\n').count();
    (line as u64 + 1, column as u64 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn a_place_in_a_scalar_is_found_in_every_style() {
        for value in [
            "a + wrong",
            "'a + wrong'",
            "\"a + wrong\"",
            "a +\n  wrong",
            "|\n  a +\n    wrong\n",
            ">-\n  a +\n  wrong\n",
        ] {
            let source = format!("ü: wrong\nkey: {value}");
            let scalars: HashMap<String, Spanned<String>> =
                serde_saphyr::from_str(&source).expect("it is there");
            let scalar = &scalars["key"];
            let at = scalar.value.find("wrong").expect("it is there");
            let place = place_of(&source, source.rfind("wrong").expect("it is there"));
            assert_eq!(place_in(&source, scalar, at), place, "{source}");
        }
    }
}
