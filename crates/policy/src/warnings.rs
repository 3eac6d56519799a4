//! Warnings about a policy that has no mistakes. The parts of expressions that content can make fail are found
//! where these are checked.

use crate::denial;
use crate::file::{Deny, Mode};
use crate::rule::{Compiled, Then};
use serde_saphyr::Location;
use std::collections::HashMap;

/// The beginnings of what an expression reads.
const READ: [&str; 2] = ["request.", "lists."];

/// The texts of a denial that look like expressions.
pub(crate) fn plain_texts(deny: &Deny) -> impl Iterator<Item = (Location, String)> {
    let suspicious = denial::texts(deny).filter(|(_, text)| looks_like_expression(&text.value));
    suspicious.map(|(name, text)| {
        let why =
            "looks like an expression, but is plain text: write it without request. and lists.";
        (text.referenced, format!("{name} {why}"))
    })
}

/// True if `request.` or `lists.` stands in it as a word of its own, with a name after it.
fn looks_like_expression(text: &str) -> bool {
    READ.iter().flat_map(|read| text.match_indices(read)).any(|(at, read)| {
        let is_part_of_name = |char: char| char.is_alphanumeric() || char == '_';
        let is_word = !text[..at].ends_with(is_part_of_name);
        is_word && text[at + read.len()..].starts_with(is_part_of_name)
    })
}

/// The rules that can never be asked, each with the name of the earlier one that always ends the evaluation.
pub(crate) fn unreachable(rules: &[Compiled]) -> Vec<(&Compiled, &str)> {
    let mut ends = HashMap::new();
    let mut unreachable = Vec::new();
    for compiled in rules {
        let (rpc, rule) = (compiled.rpc.full_name(), &compiled.rule);
        if let Some(first) = ends.get(rpc) {
            unreachable.push((compiled, *first));
        } else if rule.mode == Mode::Enforce
            && !matches!(rule.then, Then::Edit(_))
            && rule.when.expression.is_true()
        {
            ends.insert(rpc, rule.name.as_str());
        }
    }
    unreachable
}
