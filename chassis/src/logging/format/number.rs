//! Numbers as text, without the machinery of `fmt`.

use std::{net::Ipv4Addr, time::Duration};

const PAIRS: &[u8; 200] = b"0001020304050607080910111213141516171819\
2021222324252627282930313233343536373839\
4041424344454647484950515253545556575859\
6061626364656667686970717273747576777879\
8081828384858687888990919293949596979899";

/// Two digits of a number below 100.
pub(super) fn pair(number: u32) -> [u8; 2] {
    let at = (number as usize % 100) * 2;
    [PAIRS[at], PAIRS[at + 1]]
}

pub(super) fn unsigned(buf: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    while number >= 10 {
        at -= 2;
        digits[at..at + 2].copy_from_slice(&pair((number % 100) as u32));
        number /= 100;
    }
    if number > 0 || at == digits.len() {
        at -= 1;
        digits[at] = b'0' + number as u8;
    }
    buf.extend_from_slice(&digits[at..]);
}

pub(super) fn signed(buf: &mut Vec<u8>, number: i64) {
    if number < 0 {
        buf.push(b'-');
    }
    unsigned(buf, number.unsigned_abs());
}

/// Milliseconds with three decimals.
pub(super) fn millis(buf: &mut Vec<u8>, span: Duration) {
    let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    unsigned(buf, micros / 1000);
    let rest = (micros % 1000) as u32;
    let [tens, ones] = pair(rest % 100);
    buf.extend_from_slice(&[b'.', b'0' + (rest / 100) as u8, tens, ones]);
}

/// Four numbers with dots between them.
pub(super) fn ipv4(buf: &mut Vec<u8>, address: Ipv4Addr) {
    let [first, rest @ ..] = address.octets();
    unsigned(buf, first.into());
    for number in rest {
        buf.push(b'.');
        unsigned(buf, number.into());
    }
}

/// 32 hexadecimal digits, the form of a trace id.
pub(super) fn hex(buf: &mut Vec<u8>, number: u128) {
    let mut digits = [0; 32];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    buf.extend_from_slice(&digits);
}

/// Arithmetic instead of a table: sixteen of them are done at once.
fn digit(value: u8) -> u8 {
    value + if value < 10 { b'0' } else { b'a' - 10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(write: impl FnOnce(&mut Vec<u8>), expected: &str) {
        let mut buf = Vec::new();
        write(&mut buf);
        assert_eq!(String::from_utf8_lossy(&buf), expected);
    }

    #[test]
    fn numbers_read_as_their_display_does() {
        for number in [0, 1, 9, 10, 11, 99, 100, 101, 999, 1000, 1234, 10_000, 12_345_678, u64::MAX - 1, u64::MAX] {
            check(|buf| unsigned(buf, number), &number.to_string());
        }
        for number in [0, -1, 42, i64::MIN, i64::MAX] {
            check(|buf| signed(buf, number), &number.to_string());
        }
    }

    #[test]
    fn milliseconds_have_three_decimals() {
        check(|buf| millis(buf, Duration::from_micros(7)), "0.007");
        check(|buf| millis(buf, Duration::from_micros(1_234_056)), "1234.056");
        check(|buf| millis(buf, Duration::MAX), "18446744073709551.615");
    }

    #[test]
    fn addresses_read_as_their_display_does() {
        check(|buf| ipv4(buf, Ipv4Addr::new(192, 168, 0, 17)), "192.168.0.17");
        check(|buf| ipv4(buf, Ipv4Addr::UNSPECIFIED), "0.0.0.0");
    }

    #[test]
    fn hexadecimal_keeps_leading_zeros() {
        check(|buf| hex(buf, 0xab), "000000000000000000000000000000ab");
    }
}
