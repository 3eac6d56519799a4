//! "Did you mean …?"

/// A name that differs in more characters than this is not suggested, whatever its length.
const MOST: usize = 3;

/// The end of a sentence about an unknown name: the known name nearest to it, if one is near. Capitals make no
/// difference; of several that are equally near the first by the alphabet is taken.
pub fn suggest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let near = nearest(name, known);
    near.map_or_else(String::new, |known| format!("; did you mean `{known}`?"))
}

/// The name that [`suggest`] suggests.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let distance = |known: &str| strsim::damerau_levenshtein(&known.to_lowercase(), &name);
    let near = known
        .into_iter()
        .map(|known| (distance(known), known))
        .filter(|(distance, known)| *distance <= MOST.min(1 + known.len() / 4));
    near.min().map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_and_a_distant_one_is_not() {
        let known = ["listen", "admin", "adman", "beforeSendSingleMsg"];
        for (name, expected) in [
            ("lisen", "; did you mean `listen`?"),
            ("LISTEN", "; did you mean `listen`?"),
            ("admxn", "; did you mean `adman`?"),
            ("beforeSendSinglMs", "; did you mean `beforeSendSingleMsg`?"),
            ("beforeSendGroupMsg", ""),
            ("x", ""),
        ] {
            assert_eq!(suggest(name, known), expected, "{name}");
        }
    }
}
