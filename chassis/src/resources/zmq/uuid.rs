//! A UUID as the Python package writes it.

use std::{fmt, ops::Range, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::marked::{Text, of_text};
use crate::unit;

/// A UUID: `{"__uuid__": true, "as_str": "0f8fad5b-…"}` on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(u128);

/// Where the digits stand in its text; between them are dashes.
const GROUPS: [Range<usize>; 5] = [0..8, 9..13, 14..18, 19..23, 24..36];

fn has_dashes(text: &[u8; Uuid::LENGTH]) -> bool {
    let [groups @ .., _] = GROUPS;
    groups.iter().all(|group| text[group.end] == b'-')
}

/// The values of hexadecimal digits, by their bytes.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        if let Some(value) = (byte as char).to_digit(16) {
            digits[byte as usize] = value as u8;
        }
        byte += 1;
    }
    digits
};
const NO_DIGIT: u8 = 0x80;

impl Uuid {
    /// How many characters it has.
    pub(super) const LENGTH: usize = 36;

    /// A random one, version 4; not for secrets.
    pub fn new() -> Self {
        let random = fastrand::u128(..);
        Self(random & !(0xf << 76) & !(0b11 << 62) | 4 << 76 | 0b10 << 62)
    }

    /// As a number.
    pub fn as_u128(self) -> u128 {
        self.0
    }

    /// The 36 characters.
    pub(super) fn text(self) -> [u8; Self::LENGTH] {
        let mut digits = [0; 32];
        let (high, low) = digits.split_at_mut(16);
        high.copy_from_slice(&unit::digits((self.0 >> 64) as u64));
        low.copy_from_slice(&unit::digits(self.0 as u64));
        let (mut text, mut rest) = ([b'-'; Self::LENGTH], &digits[..]);
        for group in GROUPS {
            let (head, tail) = rest.split_at(group.len());
            text[group].copy_from_slice(head);
            rest = tail;
        }
        text
    }

    /// Whether this is the text of one, in small letters.
    pub(super) fn is_plain(text: &[u8]) -> bool {
        let Ok(text) = <&[u8; Self::LENGTH]>::try_from(text) else { return false };
        let is_plain = |byte: u8| byte.is_ascii_digit() | (b'a'..=b'f').contains(&byte) | (byte == b'-');
        let dashes = text.iter().filter(|byte| **byte == b'-').count();
        text.iter().fold(true, |plain, byte| plain & is_plain(*byte)) && dashes == GROUPS.len() - 1 && has_dashes(text)
    }
}

impl Default for Uuid {
    fn default() -> Self {
        Self::new()
    }
}

impl From<u128> for Uuid {
    fn from(number: u128) -> Self {
        Self(number)
    }
}

/// The 36 characters.
impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uuid({self})")
    }
}

/// The text is no UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoUuid;

impl fmt::Display for NoUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a UUID such as `0f8fad5b-d9cb-469f-a165-70867728950e`")
    }
}

impl std::error::Error for NoUuid {}

impl FromStr for Uuid {
    type Err = NoUuid;

    fn from_str(text: &str) -> Result<Self, NoUuid> {
        let text: &[u8; Self::LENGTH] = text.as_bytes().try_into().map_err(|_| NoUuid)?;
        if !has_dashes(text) {
            return Err(NoUuid);
        }
        // Every message brings one.
        let (mut number, mut wrong) = ([0_u64; 2], 0);
        for (at, digit) in GROUPS.into_iter().flat_map(|group| &text[group]).enumerate() {
            let value = DIGITS[usize::from(*digit)];
            wrong |= value;
            number[at / 16] = number[at / 16] << 4 | u64::from(value);
        }
        let [high, low] = number.map(u128::from);
        if wrong & NO_DIGIT == 0 { Ok(Self(high << 64 | low)) } else { Err(NoUuid) }
    }
}

impl Serialize for Uuid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Text { mark: "__uuid__", text: &self.to_string() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Uuid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        of_text(deserializer, "__uuid__")?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let uuid: Uuid = "0f8fad5b-d9cb-469f-a165-70867728950e".parse().unwrap();
        assert_eq!(uuid.to_string(), "0f8fad5b-d9cb-469f-a165-70867728950e");
        assert!(Uuid::is_plain(uuid.to_string().as_bytes()));
        assert!(!Uuid::is_plain(uuid.to_string().to_uppercase().as_bytes()));
        assert_eq!(Uuid::new().to_string().as_bytes()[14], b'4');
        assert!(matches!(Uuid::new().to_string().as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        for wrong in [
            "",
            "0f8fad5b",
            "0f8fad5b-d9cb-469f-a165-7086772895",
            "+f8fad5b-d9cb-469f-a165-70867728950e",
            "0f8fad5bd-9cb-469f-a165-70867728950e",
        ] {
            assert!(wrong.parse::<Uuid>().is_err(), "{wrong}");
            assert!(!Uuid::is_plain(wrong.as_bytes()), "{wrong}");
        }
    }
}
