//! The mistakes and warnings in a policy file, each with its line and column, collected to be reported at once.

use crate::expression::Problem;
use crate::finding::{Finding, Severity};
use serde_saphyr::{Location, Spanned};
use std::collections::BTreeSet;

/// The mistakes and warnings in a file, in the file's order, each once.
pub(crate) struct Mistakes<'a> {
    file: &'a str,
    source: &'a str,
    found: BTreeSet<(Place, Severity, String)>,
}

/// A line and a column, both from 1.
type Place = (u64, u64);

impl<'a> Mistakes<'a> {
    pub(crate) fn new(file: &'a str, source: &'a str) -> Self {
        Self { file, source, found: BTreeSet::new() }
    }

    /// Adds a mistake at a place of the file.
    pub(crate) fn add(&mut self, place: &Location, text: String) {
        self.insert(Severity::Mistake, place, text);
    }

    /// Adds a mistake that is at no place of the file.
    pub(crate) fn add_to_file(&mut self, text: String) {
        self.found.insert(((1, 1), Severity::Mistake, text));
    }

    /// Adds a warning at a place of the file.
    pub(crate) fn warn(&mut self, place: &Location, text: String) {
        self.insert(Severity::Warning, place, text);
    }

    fn insert(&mut self, severity: Severity, place: &Location, text: String) {
        self.found.insert(((place.line(), place.column()), severity, text));
    }

    /// `file:line:column` of a place.
    pub(crate) fn name(&self, place: &Location) -> String {
        format!("{}:{}:{}", self.file, place.line(), place.column())
    }

    /// Collects the mistakes of a rule.
    pub(crate) fn of<'m>(&'m mut self, rule: &'m str) -> RuleMistakes<'m, 'a> {
        RuleMistakes { mistakes: self, rule }
    }

    /// True if there is a mistake, and not only warnings.
    pub(crate) fn any(&self) -> bool {
        self.found.iter().any(|(_, severity, _)| *severity == Severity::Mistake)
    }

    pub(crate) fn into_findings(self) -> impl Iterator<Item = Finding> {
        self.found.into_iter().map(|((line, column), severity, text)| {
            let file = self.file.to_owned();
            Finding { severity, file, line, column, text }
        })
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

    /// Adds a warning at a place of the file.
    pub(crate) fn warn(&mut self, place: &Location, text: &str) {
        self.mistakes.warn(place, format!("rule {:?}: {text}", self.rule));
    }

    /// `file:line:column` of a place.
    pub(crate) fn name(&self, place: &Location) -> String {
        self.mistakes.name(place)
    }

    /// Adds a problem in an expression that stands in the file.
    pub(crate) fn add_problem(&mut self, expression: &Spanned<String>, problem: &Problem) {
        self.insert_problem(Severity::Mistake, expression, problem);
    }

    /// Adds a warning about an expression that stands in the file.
    pub(crate) fn warn_problem(&mut self, expression: &Spanned<String>, problem: &Problem) {
        self.insert_problem(Severity::Warning, expression, problem);
    }

    fn insert_problem(
        &mut self,
        severity: Severity,
        expression: &Spanned<String>,
        problem: &Problem,
    ) {
        let place = place_in(self.mistakes.source, expression, problem.offset);
        let text = format!("rule {:?}: {}", self.rule, problem.text);
        self.mistakes.found.insert((place, severity, text));
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
