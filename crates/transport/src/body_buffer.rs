//! A body that comes in pieces, put together.

use bytes::{Bytes, BytesMut};

/// The received part of a body; copied only if it comes in several pieces.
#[derive(Debug, Default)]
pub struct BodyBuffer {
    first: Bytes,
    all: BytesMut,
    expected: usize,
}

impl BodyBuffer {
    /// A buffer for a body of this declared length.
    #[must_use]
    pub fn expecting(expected: usize) -> Self {
        Self { expected, ..Self::default() }
    }

    /// The number of bytes received.
    pub(crate) fn received(&self) -> usize {
        self.first.len().max(self.all.len())
    }

    /// Appends a piece.
    pub fn push(&mut self, data: Bytes) {
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

    /// The whole body.
    #[must_use]
    pub fn finish(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.freeze() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_put_together_in_their_order() {
        for pieces in [&[][..], &["ab"], &["", "ab"], &["ab", "", "c", "d"]] {
            let mut buffer = BodyBuffer::default();
            pieces.iter().for_each(|piece| buffer.push(Bytes::from_static(piece.as_bytes())));
            assert_eq!(buffer.received(), pieces.concat().len());
            assert_eq!(buffer.finish(), pieces.concat());
        }
    }
}
