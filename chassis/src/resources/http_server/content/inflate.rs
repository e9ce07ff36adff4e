//! Request bodies, decompressed within a limit.

use std::io::{self, Write};

use bytes::{Bytes, BytesMut};
use flate2::write::MultiGzDecoder;

/// Decompresses gzip chunk by chunk, and gives up once it has made more than it may.
///
/// A few kilobytes can stand for gigabytes; not more than the limit is ever held or made.
pub(in super::super) struct Inflater {
    decoder: MultiGzDecoder<Bounded>,
    has_input: bool,
}

/// Why a body cannot be decompressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum InflateError {
    /// It becomes larger than allowed.
    TooLarge,
    /// It is not gzip, or damaged, or it ends too early.
    Malformed,
}

/// What receives the decompressed bytes, up to a limit.
struct Bounded {
    ready: BytesMut,
    left: u64,
    is_exceeded: bool,
}

impl Inflater {
    /// Allows this many decompressed bytes in all.
    pub(in super::super) fn new(limit: u64) -> Self {
        let bounded = Bounded { ready: BytesMut::new(), left: limit, is_exceeded: false };
        Self { decoder: MultiGzDecoder::new(bounded), has_input: false }
    }

    /// Takes compressed bytes and gives back what they made, possibly nothing yet.
    pub(in super::super) fn write(&mut self, compressed: &[u8]) -> Result<Bytes, InflateError> {
        self.has_input |= !compressed.is_empty();
        let written = self.decoder.write_all(compressed);
        self.outcome(written)
    }

    /// Says that all has been written. A body of no bytes at all counts as empty.
    pub(in super::super) fn finish(&mut self) -> Result<Bytes, InflateError> {
        if !self.has_input {
            return Ok(Bytes::new());
        }
        let finished = self.decoder.try_finish();
        self.outcome(finished)
    }

    fn outcome(&mut self, outcome: io::Result<()>) -> Result<Bytes, InflateError> {
        let bounded = self.decoder.get_mut();
        match outcome {
            _ if bounded.is_exceeded => Err(InflateError::TooLarge),
            Ok(()) => Ok(bounded.ready.split().freeze()),
            Err(_) => Err(InflateError::Malformed),
        }
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let Some(left) = self.left.checked_sub(length) else {
            self.is_exceeded = true;
            return Err(io::Error::other("decompressed size limit"));
        };
        self.left = left;
        self.ready.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inflate(compressed: &[u8], limit: u64) -> Result<Vec<u8>, InflateError> {
        let mut inflater = Inflater::new(limit);
        let mut body = Vec::new();
        for chunk in compressed.chunks(7) {
            body.extend(inflater.write(chunk)?);
        }
        body.extend(inflater.finish()?);
        Ok(body)
    }

    #[test]
    fn a_body_comes_back_up_to_the_limit_and_not_a_byte_beyond() {
        let body: Vec<u8> = (0..10_000_u32).flat_map(u32::to_le_bytes).collect();
        let compressed = super::super::compress(&body);
        assert_eq!(inflate(&compressed, 40_000), Ok(body));
        assert_eq!(inflate(&compressed, 39_999), Err(InflateError::TooLarge));
    }

    #[test]
    fn a_bomb_is_given_up_at_the_limit() {
        let bomb = super::super::compress(&vec![0; 50_000_000]);
        let mut inflater = Inflater::new(1_000_000);
        assert_eq!(inflater.write(&bomb), Err(InflateError::TooLarge));
        assert!(inflater.decoder.get_ref().ready.len() <= 1_000_000);
    }

    #[test]
    fn what_is_not_gzip_or_ends_early_is_malformed() {
        let compressed = super::super::compress(b"hello");
        assert_eq!(inflate(b"hello, this is text", 100), Err(InflateError::Malformed));
        assert_eq!(inflate(&compressed[..compressed.len() - 1], 100), Err(InflateError::Malformed));
    }

    #[test]
    fn no_bytes_are_an_empty_body() {
        assert_eq!(inflate(b"", 100), Ok(Vec::new()));
    }

    #[test]
    fn several_members_are_one_body() {
        let two = [super::super::compress(b"one, "), super::super::compress(b"two")].concat();
        assert_eq!(inflate(&two, 100), Ok(b"one, two".to_vec()));
    }
}
