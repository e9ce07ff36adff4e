//! Durations as they are written: `"500ms"`, `"1s"`, `"1h30m"`.

use std::time::Duration;

use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// Reads a duration, or says what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let explain = |what: &str| format!("{what}; a duration is written `\"500ms\"`, `\"1s\"`, `\"2m\"` or `\"1h30m\"`");
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(explain("nothing is written here"));
    }
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, behind) = rest.split_at(digits);
        let behind = behind.trim_start();
        let letters = behind.find(|c: char| !c.is_alphabetic()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(letters);
        if number.is_empty() {
            return Err(explain(&format!("`{text}` is no duration")));
        }
        if unit.is_empty() {
            return Err(explain(&format!("`{number}` has no unit")));
        }
        let Some(nanos) = nanos_of(unit) else {
            return Err(explain(&format!("`{unit}` is no unit of time")));
        };
        let part = scaled(number, nanos).ok_or_else(|| explain(&format!("`{number}` is no number that fits")))?;
        total = total.checked_add(part).ok_or_else(|| explain("it is too long"))?;
        rest = behind.trim_start();
    }
    Ok(total)
}

/// The expression that makes this duration, in the largest unit that is exact.
pub(crate) fn tokens(duration: Duration) -> TokenStream {
    let nanos = Literal::u32_unsuffixed(duration.subsec_nanos());
    let seconds = Literal::u64_unsuffixed(duration.as_secs());
    match (duration.subsec_nanos(), u64::try_from(duration.as_millis())) {
        (0, _) => quote!(__chassis::Duration::from_secs(#seconds)),
        (nanos, Ok(millis)) if nanos % 1_000_000 == 0 => {
            let millis = Literal::u64_unsuffixed(millis);
            quote!(__chassis::Duration::from_millis(#millis))
        }
        _ => quote!(__chassis::Duration::new(#seconds, #nanos)),
    }
}

fn nanos_of(unit: &str) -> Option<u64> {
    const SECOND: u64 = 1_000_000_000;
    Some(match unit {
        "ns" => 1,
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" | "sec" | "secs" => SECOND,
        "m" | "min" | "mins" => 60 * SECOND,
        "h" => 3_600 * SECOND,
        "d" => 86_400 * SECOND,
        _ => return None,
    })
}

/// `number` times `nanos`, exactly; a fraction must end at whole nanoseconds.
fn scaled(number: &str, nanos: u64) -> Option<Duration> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.parse().ok()?;
    let mut total = u128::from(whole) * u128::from(nanos);
    if !fraction.is_empty() {
        let parts: u64 = fraction.parse().ok()?;
        let scale = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        let scaled = u128::from(parts) * u128::from(nanos);
        if scaled % scale != 0 {
            return None;
        }
        total += scaled / scale;
    }
    let seconds = u64::try_from(total / 1_000_000_000).ok()?;
    Some(Duration::new(seconds, u32::try_from(total % 1_000_000_000).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, millis: u64) {
        assert_eq!(parse(text), Ok(Duration::from_millis(millis)));
    }

    #[test]
    fn reads_every_unit_and_sums_of_them() {
        check("500ms", 500);
        check("1s", 1_000);
        check("1.5s", 1_500);
        check("2m", 120_000);
        check("1h30m", 5_400_000);
        check("1h 30m", 5_400_000);
        check("1d", 86_400_000);
        check("0", 0);
        assert_eq!(parse("3us"), Ok(Duration::from_micros(3)));
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(parse("").unwrap_err().starts_with("nothing is written here"));
        assert!(parse("10").unwrap_err().starts_with("`10` has no unit"));
        assert!(parse("1 fortnight").unwrap_err().starts_with("`fortnight` is no unit of time"));
        assert!(parse("soon").unwrap_err().starts_with("`soon` is no duration"));
        assert!(parse("-1s").unwrap_err().starts_with("`-1s` is no duration"));
        assert!(parse("99999999999999999999s").unwrap_err().contains("no number that fits"));
        assert!(parse("1.2.3s").unwrap_err().contains("no number that fits"));
    }

    #[test]
    fn is_written_in_the_largest_exact_unit() {
        assert_eq!(tokens(Duration::from_secs(2)).to_string(), "__chassis :: Duration :: from_secs (2)");
        assert_eq!(tokens(Duration::from_millis(1500)).to_string(), "__chassis :: Duration :: from_millis (1500)");
        assert_eq!(tokens(Duration::from_nanos(7)).to_string(), "__chassis :: Duration :: new (0 , 7)");
    }
}
