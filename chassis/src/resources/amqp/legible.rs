//! Names that are no text: the client ends the connection over them, and the message would come again for ever.
//!
//! Pure. What the broker takes from other clients it delivers as it came, and it looks at names no closer than at values.
//! A frame keeps its length: each byte that belongs to no character becomes a `?`.

/// Makes all names and short texts legible in the frame that has the properties of one message. What is not understood
/// stays as it is, for the client to say so.
pub(super) fn mend(properties: &mut [u8]) {
    if properties.is_ascii() {
        return;
    }
    let _ = Walk { bytes: properties, at: 0 }.properties();
}

/// The same for the frame of a method that brings a message: its exchange and its routing key.
pub(super) fn mend_method(method: &mut [u8]) {
    let _ = Walk { bytes: method, at: 0 }.method();
}

/// A walk through the bytes of a frame; `None` where they end too early.
struct Walk<'a> {
    bytes: &'a mut [u8],
    at: usize,
}

/// What the properties are, in the order of their flags, the highest first.
const PROPERTIES: [Kind; 14] = [
    Kind::Short, // content type
    Kind::Short, // content encoding
    Kind::Table, // headers
    Kind::Bytes(1),
    Kind::Bytes(1),
    Kind::Short, // correlation id
    Kind::Short, // reply to
    Kind::Short, // expiration
    Kind::Short, // message id
    Kind::Bytes(8),
    Kind::Short, // type
    Kind::Short, // user
    Kind::Short, // application
    Kind::Short, // cluster
];

/// The class of methods about messages, and those that bring one.
const BASIC: u16 = 60;
const RETURN: u16 = 50;
const DELIVER: u16 = 60;
const GET_OK: u16 = 71;
/// The number of a delivery, and whether it is another one of its message.
const TAG: usize = 8 + 1;
/// Class, weight and length of the body.
const BEFORE: usize = 2 + 2 + 8;
/// Tables in tables, as deep as the client goes as well.
const DEPTH: usize = 32;

#[derive(Clone, Copy)]
enum Kind {
    Short,
    Table,
    Bytes(usize),
}

impl Walk<'_> {
    fn properties(&mut self) -> Option<()> {
        self.skip(BEFORE)?;
        let flags = u16::from_be_bytes(self.take()?);
        for (place, kind) in PROPERTIES.into_iter().enumerate() {
            if flags & (0x8000 >> place) == 0 {
                continue;
            }
            match kind {
                Kind::Short => self.short()?,
                Kind::Table => self.table(DEPTH)?,
                Kind::Bytes(count) => self.skip(count)?,
            }
        }
        Some(())
    }

    fn method(&mut self) -> Option<()> {
        let class: [u8; 2] = self.take()?;
        let method: [u8; 2] = self.take()?;
        match (u16::from_be_bytes(class), u16::from_be_bytes(method)) {
            (BASIC, DELIVER) => {
                self.short()?;
                self.skip(TAG)?;
            }
            (BASIC, RETURN) => {
                self.skip(2)?;
                self.short()?;
            }
            (BASIC, GET_OK) => self.skip(TAG)?,
            _ => return None,
        }
        self.short()?;
        self.short()
    }

    fn short(&mut self) -> Option<()> {
        let [length] = self.take()?;
        let from = self.at;
        self.skip(length.into())?;
        let mut text = self.bytes.get_mut(from..self.at)?;
        while let Err(error) = str::from_utf8(text) {
            text = &mut text[error.valid_up_to()..];
            text[0] = b'?';
        }
        Some(())
    }

    fn table(&mut self, depth: usize) -> Option<()> {
        let end = self.end()?;
        while self.at < end {
            self.short()?;
            self.value(depth.checked_sub(1)?)?;
        }
        Some(())
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        let end = self.end()?;
        while self.at < end {
            self.value(depth.checked_sub(1)?)?;
        }
        Some(())
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        match self.take()? {
            [b'V'] => Some(()),
            [b't' | b'b' | b'B'] => self.skip(1),
            [b's' | b'U' | b'u'] => self.skip(2),
            [b'I' | b'i' | b'f'] => self.skip(4),
            [b'D'] => self.skip(5),
            [b'L' | b'l' | b'd' | b'T'] => self.skip(8),
            [b'S' | b'x'] => {
                self.at = self.end()?;
                Some(())
            }
            [b'A'] => self.array(depth),
            [b'F'] => self.table(depth),
            _ => None,
        }
    }

    /// Where that ends whose length is here.
    fn end(&mut self) -> Option<usize> {
        let length = usize::try_from(u32::from_be_bytes(self.take()?)).ok()?;
        self.at.checked_add(length).filter(|end| *end <= self.bytes.len())
    }

    fn take<const COUNT: usize>(&mut self) -> Option<[u8; COUNT]> {
        let taken = self.bytes.get(self.at..)?.first_chunk().copied()?;
        self.at += COUNT;
        Some(taken)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.at = self.at.checked_add(count).filter(|at| *at <= self.bytes.len())?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame with a content type, headers and a timestamp.
    fn frame(content_type: &[u8], headers: &[u8]) -> Vec<u8> {
        let mut bytes = [0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 200, 0b1010_0000, 0b0100_0000].to_vec();
        bytes.push(u8::try_from(content_type.len()).unwrap_or_default());
        bytes.extend(content_type);
        bytes.extend((u32::try_from(headers.len()).unwrap_or_default()).to_be_bytes());
        bytes.extend(headers);
        bytes.extend([0, 0, 0, 0, 0xff, 0xfe, 0xfd, 0xfc]);
        bytes
    }

    fn mended(mut bytes: Vec<u8>) -> Vec<u8> {
        mend(&mut bytes);
        bytes
    }

    #[test]
    fn what_is_text_stays_and_so_do_values() {
        let headers = ["\u{6}größe".as_bytes(), b"S\0\0\0\x02\xff\xfe", b"\x01nI\xff\xff\xff\xff"].concat();
        let mut headers = headers;
        headers[0] = 7;
        let bytes = frame("text/grün".as_bytes(), &headers);
        assert_eq!(mended(bytes.clone()), bytes);
    }

    #[test]
    fn names_that_are_no_text_become_legible_also_in_tables_of_tables() {
        let inner = b"\x02\xffat\x01";
        let headers = [b"\x03a\xffbF\0\0\0\x05".as_slice(), inner, b"\x02\xc3\x28S\0\0\0\x01\xff"].concat();
        let expected = [b"\x03a?bF\0\0\0\x05".as_slice(), b"\x02?at\x01", b"\x02?\x28S\0\0\0\x01\xff"].concat();
        assert_eq!(mended(frame(b"\xfe\xff", &headers)), frame(b"??", &expected));
    }

    #[test]
    fn exchanges_and_routing_keys_become_legible_in_methods_that_bring_messages() {
        let mended = |mut bytes: Vec<u8>| {
            mend_method(&mut bytes);
            bytes
        };
        let deliver = |key: &[u8]| [b"\0\x3c\0\x3c\x01c\0\0\0\0\0\0\0\xff\0\x01e\x02".as_slice(), key].concat();
        assert_eq!(mended(deliver(b"k\xff")), deliver(b"k?"));
        let returned = |key: &[u8]| [b"\0\x3c\0\x32\x01\x38\x01r\x01e\x02".as_slice(), key].concat();
        assert_eq!(mended(returned(b"\xfe\xff")), returned(b"??"));
        let got = |key: &[u8]| [b"\0\x3c\0\x47\0\0\0\0\0\0\0\xff\0\x01e\x01".as_slice(), key, b"\0\0\0\xff"].concat();
        assert_eq!(mended(got(b"\xff")), got(b"?"));
        let other = b"\0\x0a\0\x3c\x01\xff\x01\xff\x01\xff".to_vec();
        assert_eq!(mended(other.clone()), other, "no message");
    }

    #[test]
    fn what_ends_too_early_or_is_too_deep_is_left_alone() {
        let whole = frame("grün".as_bytes(), b"\x03a\xffbF\0\0\0\x05\x02\xffat\x01\x01xA\0\0\0\x02V\xff");
        for length in 0..whole.len() {
            assert_eq!(mended(whole[..length].to_vec()).len(), length);
        }
        let mut deep = Vec::new();
        for _ in 0..100 {
            let length = u32::try_from(deep.len()).unwrap_or_default().to_be_bytes();
            deep = [b"\x01aF".as_slice(), &length, &deep].concat();
        }
        mend(&mut frame(b"\xff", &deep));
    }

    /// Whatever comes, nothing panics and the length stays.
    #[test]
    fn noise_keeps_its_length() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let headers: Vec<u8> = (0..random.usize(0..60)).map(|_| random.u8(..)).collect();
            let bytes = frame(&[0xff, 0x80], &headers);
            assert_eq!(mended(bytes.clone()).len(), bytes.len());
        }
    }
}
