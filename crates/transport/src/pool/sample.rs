//! A random sample.

/// Two of these items at random, in no order; fewer if there are fewer.
pub(super) fn two<T>(items: impl Iterator<Item = T>) -> [Option<T>; 2] {
    let mut two = [None, None];
    for (before, item) in items.enumerate() {
        // The first two; each later one replaces one of them with the same probability.
        let place = if before < 2 { before } else { fastrand::usize(..=before) };
        if let Some(place) = two.get_mut(place) {
            *place = Some(item);
        }
    }
    if two[1].is_some() && fastrand::bool() {
        two.swap(0, 1);
    }
    two
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_items_are_different_and_all_are_picked_as_often() {
        assert_eq!(two(0..0), [None, None]);
        assert_eq!(two(0..1), [Some(0), None]);
        for length in [2, 3, 5] {
            let mut firsts = vec![0; length];
            for _ in 0..1_000 * length {
                let [Some(first), Some(second)] = two(0..length) else { panic!("{length}") };
                assert_ne!(first, second);
                firsts[first] += 1;
            }
            assert!(firsts.iter().all(|times| (800..1_200).contains(times)), "{firsts:?}");
        }
    }
}
