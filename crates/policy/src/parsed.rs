//! A rule with its expressions parsed, before it is checked for each of its rpcs.

use crate::denial;
use crate::expression::SyntaxTree;
use crate::file::{Deny, Rule};
use crate::mistakes::RuleMistakes;
use serde_saphyr::{Location, Spanned};

/// An expression, and its place.
pub(crate) struct ParsedExpression<'a> {
    pub(crate) source: &'a Spanned<String>,
    pub(crate) parsed: SyntaxTree<'a>,
}

/// The consequence of a rule.
pub(crate) enum Consequence<'a> {
    Deny(&'a Deny),
    Allow,
    /// The fields to edit, and their values.
    Edit(Vec<(&'a Spanned<String>, ParsedExpression<'a>)>),
}

impl<'a> ParsedExpression<'a> {
    pub(crate) fn parse(
        source: &'a Spanned<String>,
        mistakes: &mut RuleMistakes<'_, '_>,
    ) -> Option<Self> {
        match SyntaxTree::new(&source.value) {
            Ok(parsed) => Some(Self { source, parsed }),
            Err(problem) => {
                mistakes.add_problem(source, &problem);
                None
            }
        }
    }
}

impl<'a> Consequence<'a> {
    pub(crate) fn parse(
        rule: &'a Rule,
        place: &Location,
        mistakes: &mut RuleMistakes<'_, '_>,
    ) -> Option<Self> {
        match (&rule.deny, &rule.edit, &rule.allow) {
            (Some(deny), None, None) => {
                if let Some((place, text)) = denial::mistake(deny) {
                    mistakes.add(&place, &text);
                }
                Some(Self::Deny(deny))
            }
            (None, None, Some(allow)) => {
                if !allow.value {
                    mistakes.add(
                        &allow.referenced,
                        "allow is true, or left out: to refuse, write deny",
                    );
                }
                Some(Self::Allow)
            }
            (None, Some(edit), None) if !edit.is_empty() => {
                let edits = edit.iter();
                let edits = edits
                    .filter_map(|(f, value)| Some((f, ParsedExpression::parse(value, mistakes)?)));
                Some(Self::Edit(edits.collect()))
            }
            (None, _, None) => {
                mistakes.add(place, "nothing follows: it needs deny, edit or allow");
                None
            }
            _ => {
                mistakes.add(place, "it can deny, edit or allow, one of them");
                None
            }
        }
    }
}
