//! What somebody may have meant who wrote a name that does not exist.

use prost_reflect::MessageDescriptor;

/// Names further than this from what was written are no guesses.
const NEAR: usize = 3;

/// The end of a sentence about a wrong name: `, did you mean …?`, or nothing if no name is near.
pub(crate) fn suggest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let distance =
        |name: &str| strsim::damerau_levenshtein(&written.to_lowercase(), &name.to_lowercase());
    names
        .into_iter()
        .map(|name| (distance(name), name))
        .filter(|(distance, name)| *distance <= NEAR.min(1 + name.len() / 4))
        .min()
        .map(|(_, name)| format!(", did you mean {name}?"))
        .unwrap_or_default()
}

/// Says that a message has no such field.
pub(crate) fn no_field(written: &str, message: &MessageDescriptor) -> String {
    let names: Vec<_> = message.fields().map(|field| field.name().to_owned()).collect();
    let suggestion = suggest(written, names.iter().map(String::as_str));
    format!("no field {written} in {}{suggestion}", message.name())
}
