//! The key by which events are delivered in order.

/// The length that a key is cut to. Keys that are equal up to here are in one order, which costs them time and breaks
/// nothing; so are those that only a comma within a value makes equal.
const LIMIT: usize = 256;

/// The values that are not empty, sorted and joined. None if all are empty.
pub(crate) fn key<const N: usize>(values: [Option<&String>; N]) -> Option<String> {
    let values = values.into_iter().flatten().map(String::as_str);
    let mut values: Vec<_> = values.filter(|value| !value.is_empty()).collect();
    if values.is_empty() {
        return None;
    }
    values.sort_unstable();
    let mut key = values.join(",");
    if key.len() > LIMIT {
        key.truncate(key.floor_char_boundary(LIMIT));
        // A value may be as long as a body.
        key.shrink_to_fit();
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    fn key<const N: usize>(values: [&str; N]) -> Option<String> {
        let values = values.map(str::to_owned);
        super::key(values.each_ref().map(Some))
    }

    #[test]
    fn the_order_of_the_values_does_not_matter() {
        assert_eq!(key(["b", "a"]).as_deref(), Some("a,b"));
        assert_eq!(key(["a", "b"]), key(["b", "a"]));
    }

    #[test]
    fn an_empty_value_and_an_unset_one_are_no_part_of_the_key() {
        assert_eq!(key(["", "a"]).as_deref(), Some("a"));
        assert_eq!(super::key([None, Some(&"a".to_owned())]).as_deref(), Some("a"));
        assert_eq!(key(["", ""]), None);
        assert_eq!(super::key([None]), None);
    }

    #[test]
    fn a_key_is_cut_between_characters() {
        assert_eq!(key([&"x".repeat(256)]), Some("x".repeat(256)));
        let long = format!("{}é", "x".repeat(255));
        let cut = key([&long, "y"]).expect("a key");
        assert_eq!(cut, "x".repeat(255));
        assert!(cut.capacity() < 300, "{}", cut.capacity());
        assert_eq!(key([&"é".repeat(1000)]), Some("é".repeat(128)));
    }
}
