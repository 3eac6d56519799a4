//! A body in one piece.

use bytes::{Bytes, BytesMut};

/// What came of a body so far; copied only if it comes in several pieces.
#[derive(Debug, Default)]
pub(crate) struct Joined {
    first: Bytes,
    all: BytesMut,
    expected: usize,
}

impl Joined {
    /// A body of which this much is said to come.
    pub(crate) fn expecting(expected: usize) -> Self {
        Self { expected, ..Self::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.first.len().max(self.all.len())
    }

    pub(crate) fn push(&mut self, data: Bytes) {
        if self.first.is_empty() {
            self.first = data;
            return;
        }
        if self.all.is_empty() {
            self.all.reserve(self.expected.max(self.first.len() + data.len()));
            self.all.extend_from_slice(&self.first);
        }
        self.all.extend_from_slice(&data);
    }

    pub(crate) fn finish(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.freeze() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_joined_in_their_order() {
        for pieces in [&[][..], &["ab"], &["", "ab"], &["ab", "", "c", "d"]] {
            let mut joined = Joined::default();
            pieces.iter().for_each(|piece| joined.push(Bytes::from_static(piece.as_bytes())));
            assert_eq!(joined.len(), pieces.concat().len());
            assert_eq!(joined.finish(), pieces.concat());
        }
    }
}
