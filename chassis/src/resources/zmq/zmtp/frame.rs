//! Frames: bytes with a length in front of them, several of which may be one message.

use bytes::{Buf as _, Bytes, BytesMut};

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Item {
    /// A message in its parts.
    Message(Vec<Bytes>),
    /// A message that is longer than it may be: the parts before the one that was too long, and how long it would be.
    TooLarge(Vec<Bytes>, u64),
    /// A command: its name and what is behind it.
    Command(Bytes, Bytes),
}

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// More parts than any of these sockets has a use for.
const MOST_PARTS: usize = 64;
/// Commands are short; those of the handshake carry a name or two.
const LONGEST_COMMAND: u64 = 64 << 10;

/// Makes messages out of the bytes of a connection.
#[derive(Debug)]
pub(super) struct Decoder {
    limit: u64,
    parts: Vec<Bytes>,
    length: u64,
    /// Bytes of a part that is not kept, and are still to come.
    to_skip: u64,
    /// The length of a message that is too long.
    too_large: Option<u64>,
    /// Whether the part that is skipped is not the last one.
    skips_more: bool,
}

impl Decoder {
    /// Keeps messages up to that length.
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, parts: Vec::new(), length: 0, to_skip: 0, too_large: None, skips_more: false }
    }

    /// The next message or command, once all of it is there.
    ///
    /// A part that is too long is passed over as it comes in, so what a peer announces is never memory of ours.
    ///
    /// # Errors
    /// When these are no frames.
    pub(super) fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Item>, &'static str> {
        loop {
            if self.to_skip > 0 {
                let skipped = usize::try_from(self.to_skip).unwrap_or(usize::MAX).min(buffer.len());
                buffer.advance(skipped);
                self.to_skip -= skipped as u64;
                if self.to_skip > 0 {
                    return Ok(None);
                }
                if !self.skips_more {
                    return Ok(Some(self.end()));
                }
            }
            let Some((flags, length, head)) = head(buffer)? else { return Ok(None) };
            let has_more = flags & MORE != 0;
            if flags & COMMAND != 0 {
                if length > LONGEST_COMMAND || has_more {
                    return Err("a command that is none");
                }
                let Some(body) = body(buffer, head, length) else { return Ok(None) };
                return Ok(Some(command(body)?));
            }
            let whole = self.length.saturating_add(length);
            if self.too_large.is_some() || whole > self.limit || self.parts.len() >= MOST_PARTS {
                buffer.advance(head);
                self.too_large = Some(whole);
                (self.length, self.to_skip, self.skips_more) = (whole, length, has_more);
                if length == 0 && !has_more {
                    return Ok(Some(self.end()));
                }
                continue;
            }
            let Some(part) = body(buffer, head, length) else { return Ok(None) };
            self.length = whole;
            self.parts.push(part);
            if !has_more {
                return Ok(Some(self.end()));
            }
        }
    }

    fn end(&mut self) -> Item {
        let parts = std::mem::take(&mut self.parts);
        self.length = 0;
        match self.too_large.take() {
            None => Item::Message(parts),
            Some(length) => Item::TooLarge(parts, length),
        }
    }
}

/// Flags, length of the body and length of the head of the first frame.
fn head(buffer: &[u8]) -> Result<Option<(u8, u64, usize)>, &'static str> {
    let Some(flags) = buffer.first().copied() else { return Ok(None) };
    if flags & !(MORE | LONG | COMMAND) != 0 {
        return Err("no frame of ZMTP");
    }
    if flags & LONG == 0 {
        return Ok(buffer.get(1).map(|length| (flags, u64::from(*length), 2)));
    }
    let Some((length, _)) = buffer.get(1..).and_then(<[u8]>::split_first_chunk::<8>) else { return Ok(None) };
    match u64::from_be_bytes(*length) {
        length if length >> 63 == 0 => Ok(Some((flags, length, 9))),
        _ => Err("no frame of ZMTP"),
    }
}

/// The body of the first frame, if it is there.
fn body(buffer: &mut BytesMut, head: usize, length: u64) -> Option<Bytes> {
    let length = usize::try_from(length).ok()?;
    if buffer.len() - head < length {
        return None;
    }
    buffer.advance(head);
    // To hold nothing of the buffer is to count nothing.
    Some(if length == 0 { Bytes::new() } else { buffer.split_to(length).freeze() })
}

fn command(mut body: Bytes) -> Result<Item, &'static str> {
    let length = body.first().map(|length| usize::from(*length)).filter(|length| *length > 0 && *length < body.len());
    let Some(length) = length else { return Err("a command without a name") };
    body.advance(1);
    Ok(Item::Command(body.split_to(length), body))
}

/// Writes a message.
pub(in super::super) fn encode<T: AsRef<[u8]>>(out: &mut BytesMut, parts: &[T]) {
    let last = parts.len().saturating_sub(1);
    for (at, part) in parts.iter().enumerate() {
        write(out, if at < last { MORE } else { 0 }, part.as_ref());
    }
}

/// Writes a message of one part, of so many bytes, which `body` writes.
pub(in super::super) fn encode_one(out: &mut BytesMut, length: usize, body: impl FnOnce(&mut BytesMut)) {
    encode_behind::<&[u8]>(out, &[], length, body);
}

/// Writes a message whose last part `body` writes, of so many bytes, behind these parts.
pub(in super::super) fn encode_behind<T: AsRef<[u8]>>(
    out: &mut BytesMut,
    parts: &[T],
    length: usize,
    body: impl FnOnce(&mut BytesMut),
) {
    for part in parts {
        write(out, MORE, part.as_ref());
    }
    write_head(out, 0, length);
    body(out);
}

/// Writes a command.
pub(in super::super) fn encode_command(out: &mut BytesMut, name: &str, body: &[u8]) {
    let whole = [&[name.len() as u8], name.as_bytes(), body].concat();
    write(out, COMMAND, &whole);
}

fn write(out: &mut BytesMut, flags: u8, body: &[u8]) {
    write_head(out, flags, body.len());
    out.extend_from_slice(body);
}

fn write_head(out: &mut BytesMut, flags: u8, length: usize) {
    match u8::try_from(length) {
        Ok(length) => out.extend_from_slice(&[flags, length]),
        Err(_) => {
            out.extend_from_slice(&[flags | LONG]);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use proptest::prelude::*;

    use super::*;

    fn written(parts: &[Bytes]) -> BytesMut {
        let mut out = BytesMut::new();
        encode(&mut out, parts);
        out
    }

    #[test]
    fn a_message_is_read_as_it_was_written_however_it_is_cut() {
        let parts = vec![Bytes::from_static(b"id"), Bytes::new(), vec![7; 300].into()];
        let bytes = written(&parts);
        for step in [1, 2, 7, bytes.len()] {
            let (mut decoder, mut buffer) = (Decoder::new(1000), BytesMut::new());
            let mut items = Vec::new();
            for piece in bytes.chunks(step) {
                buffer.extend_from_slice(piece);
                items.extend(decoder.decode(&mut buffer).unwrap());
            }
            assert_eq!(items, [Item::Message(parts.clone())]);
        }
    }

    #[test]
    fn commands_stand_between_messages() {
        let mut buffer = BytesMut::new();
        encode_command(&mut buffer, "PING", b"\0\x0ahello");
        encode(&mut buffer, &[Bytes::from_static(b"x")]);
        let mut decoder = Decoder::new(10);
        let ping = Item::Command(Bytes::from_static(b"PING"), Bytes::from_static(b"\0\x0ahello"));
        assert_eq!(decoder.decode(&mut buffer), Ok(Some(ping)));
        assert_eq!(decoder.decode(&mut buffer), Ok(Some(Item::Message(vec![Bytes::from_static(b"x")]))));
        assert_eq!(decoder.decode(&mut buffer), Ok(None));
    }

    #[test]
    fn what_is_too_long_is_passed_over_and_the_next_message_is_read() {
        let id = Bytes::from_static(b"id");
        let mut buffer = written(&[id.clone(), vec![0; 500].into(), vec![0; 500].into()]);
        encode(&mut buffer, &[Bytes::from_static(b"next")]);
        let mut decoder = Decoder::new(100);
        assert_eq!(decoder.decode(&mut buffer), Ok(Some(Item::TooLarge(vec![id], 1002))));
        assert_eq!(decoder.decode(&mut buffer), Ok(Some(Item::Message(vec![Bytes::from_static(b"next")]))));
    }

    #[test]
    fn a_frame_that_fits_into_no_memory_is_only_announced() {
        let mut buffer = BytesMut::from(&b"\x02\x3f\xff\xff\xff\xff\xff\xff\xffabc"[..]);
        let mut decoder = Decoder::new(100);
        assert_eq!(decoder.decode(&mut buffer), Ok(None));
        assert!(buffer.is_empty() && buffer.capacity() < 1000);
    }

    proptest! {
        #[test]
        fn garbage_is_never_a_panic(bytes: Vec<u8>) {
            let (mut decoder, mut buffer) = (Decoder::new(100), BytesMut::from(&bytes[..]));
            while let Ok(Some(_)) = decoder.decode(&mut buffer) {}
        }
    }
}
