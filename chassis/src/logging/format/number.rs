//! Numbers as text, without the machinery of `fmt`.

use std::{net::Ipv4Addr, time::Duration};

use super::head;

const PAIRS: &[u8; 200] = b"0001020304050607080910111213141516171819\
2021222324252627282930313233343536373839\
4041424344454647484950515253545556575859\
6061626364656667686970717273747576777879\
8081828384858687888990919293949596979899";

/// Two digits of a number below 100.
pub(in crate::logging) fn pair(number: u32) -> [u8; 2] {
    let at = (number as usize % 100) * 2;
    [PAIRS[at], PAIRS[at + 1]]
}

/// Four digits of a number below 10,000.
fn four(number: u32) -> [u8; 4] {
    let ([a, b], [c, d]) = (pair(number / 100), pair(number % 100));
    [a, b, c, d]
}

#[inline]
pub(super) fn unsigned(buf: &mut Vec<u8>, number: u64) {
    if number < 10_000 {
        short(buf, number as u32);
    } else {
        long(buf, number);
    }
}

/// Nearly all numbers in logs are below 10,000.
#[inline]
fn short(buf: &mut Vec<u8>, number: u32) {
    let zeros = usize::from(number < 10) + usize::from(number < 100) + usize::from(number < 1000);
    let digits = u32::from_le_bytes(four(number)) >> (8 * zeros);
    head(buf, &digits.to_le_bytes(), 4 - zeros);
}

#[inline(never)]
fn long(buf: &mut Vec<u8>, number: u64) {
    unsigned(buf, number / 10_000);
    buf.extend_from_slice(&four((number % 10_000) as u32));
}

pub(super) fn signed(buf: &mut Vec<u8>, number: i64) {
    if number < 0 {
        buf.push(b'-');
    }
    unsigned(buf, number.unsigned_abs());
}

/// Milliseconds with three decimals.
#[inline]
pub(super) fn millis(buf: &mut Vec<u8>, span: Duration) {
    let micros = span.as_secs().saturating_mul(1_000_000).saturating_add(span.subsec_micros().into());
    unsigned(buf, micros / 1000);
    let [_, a, b, c] = four((micros % 1000) as u32);
    buf.extend_from_slice(&[b'.', a, b, c]);
}

/// Numbers of one byte, each with a dot behind it.
const OCTETS: [[u8; 4]; 256] = {
    let mut octets = [[b'.'; 4]; 256];
    let mut number = 0;
    while number < octets.len() {
        let [hundreds, tens, ones] = [number / 100, number / 10 % 10, number % 10];
        let digits = [b'0' + hundreds as u8, b'0' + tens as u8, b'0' + ones as u8];
        let zeros = 3 - octet_length(number as u8);
        let mut at = zeros;
        while at < digits.len() {
            octets[number][at - zeros] = digits[at];
            at += 1;
        }
        number += 1;
    }
    octets
};

const fn octet_length(number: u8) -> usize {
    1 + (number > 9) as usize + (number > 99) as usize
}

/// Four numbers with dots between them.
#[inline]
pub(super) fn ipv4(buf: &mut Vec<u8>, address: Ipv4Addr) {
    let [rest @ .., last] = address.octets();
    for number in rest {
        head(buf, &OCTETS[usize::from(number)], octet_length(number) + 1);
    }
    head(buf, &OCTETS[usize::from(last)], octet_length(last));
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
        for number in
            [0, 1, 9, 10, 11, 99, 100, 101, 999, 1000, 1234, 9999, 10_000, 10_009, 12_345_678, u64::MAX - 1, u64::MAX]
        {
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
        for number in 0..=255 {
            let address = Ipv4Addr::from([number; 4]);
            check(|buf| ipv4(buf, address), &address.to_string());
        }
    }
}
