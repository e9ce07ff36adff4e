//! Messages that wait to be written, one behind the other as they are on the wire: none of them has memory of its own.

use std::collections::VecDeque;

use bytes::BytesMut;

use super::zmtp::BATCH;

/// Messages that wait to be written.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    pieces: VecDeque<Piece>,
    count: usize,
    /// The memory of what was written.
    spare: BytesMut,
}

/// Some messages.
#[derive(Debug, Default)]
pub(super) struct Piece {
    bytes: BytesMut,
    lengths: VecDeque<usize>,
}

impl Backlog {
    /// How many messages there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Puts a message of about that length behind the others.
    pub(super) fn push(&mut self, length: usize, write: impl FnOnce(&mut BytesMut)) {
        let has_room = |piece: &&mut Piece| piece.bytes.len() + length <= BATCH;
        let piece = match self.pieces.back_mut().filter(has_room) {
            Some(piece) => piece,
            None => {
                let bytes = std::mem::take(&mut self.spare);
                self.pieces.push_back_mut(Piece { bytes, lengths: VecDeque::new() })
            }
        };
        let before = piece.bytes.len();
        write(&mut piece.bytes);
        piece.lengths.push_back(piece.bytes.len() - before);
        self.count += 1;
    }

    /// Takes the first messages, no more than that many, and no more than are written together.
    pub(super) fn take(&mut self, most: usize) -> Option<Piece> {
        let first = self.pieces.front_mut()?;
        let taken = if first.lengths.len() <= most {
            self.pieces.pop_front()?
        } else {
            let lengths: VecDeque<_> = first.lengths.drain(..most).collect();
            Piece { bytes: first.bytes.split_to(lengths.iter().sum()), lengths }
        };
        self.count -= taken.lengths.len();
        Some(taken)
    }

    /// Puts messages in front of all others that were taken and did not get anywhere.
    pub(super) fn put_back(&mut self, piece: Piece) {
        self.count += piece.lengths.len();
        self.pieces.push_front(piece);
    }

    /// Keeps the memory of messages that were written.
    pub(super) fn reuse(&mut self, piece: Piece) {
        let mut bytes = piece.bytes;
        if (self.spare.capacity()..=2 * BATCH).contains(&bytes.capacity()) {
            bytes.clear();
            self.spare = bytes;
        }
    }
}

impl Piece {
    /// The messages as they are on the wire.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn push(backlog: &mut Backlog, message: &[u8]) {
        backlog.push(message.len(), |out| out.extend_from_slice(message));
    }

    #[test]
    fn what_is_put_in_comes_out_in_its_order() {
        let mut backlog = Backlog::default();
        for message in [b"one", b"two", b"six"] {
            push(&mut backlog, message);
        }
        let first = backlog.take(2).unwrap();
        assert_eq!((first.bytes(), backlog.len()), (&b"onetwo"[..], 1));
        backlog.put_back(first);
        assert_eq!(backlog.len(), 3);
        let (first, second) = (backlog.take(1).unwrap(), backlog.take(9).unwrap());
        assert_eq!((first.bytes(), second.bytes()), (&b"one"[..], &b"two"[..]));
        assert_eq!((backlog.take(9).unwrap().bytes(), backlog.len()), (&b"six"[..], 0));
        assert!(backlog.take(9).is_none());
    }

    #[test]
    fn no_piece_is_longer_than_what_is_written_together_but_a_message_that_is() {
        let mut backlog = Backlog::default();
        for length in [BATCH - 1, 1, 1, 3 * BATCH, 2] {
            push(&mut backlog, &vec![0; length]);
        }
        let lengths: Vec<_> = std::iter::from_fn(|| backlog.take(9)).map(|piece| piece.bytes().len()).collect();
        assert_eq!(lengths, [BATCH, 1, 3 * BATCH, 2]);
    }

    #[test]
    fn memory_is_used_again_unless_it_is_a_great_deal() {
        let mut backlog = Backlog::default();
        for (length, kept) in [(100, true), (3 * BATCH, false)] {
            push(&mut backlog, &vec![0; length]);
            let piece = backlog.take(1).unwrap();
            let place = piece.bytes().as_ptr();
            backlog.reuse(piece);
            assert_eq!(backlog.spare.as_ptr() == place && backlog.spare.is_empty(), kept, "{length}");
            assert!(backlog.spare.capacity() <= 2 * BATCH);
        }
    }
}
