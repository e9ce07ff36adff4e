//! Sizes as they are written: `"64KiB"`, `"1MB"`.

/// Reads a number of bytes, or says what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let explain = |what: &str| format!("{what}; a size is written `\"512B\"`, `\"64KiB\"` or `\"1MB\"`");
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim();
    if number.is_empty() {
        return Err(explain(&format!("`{text}` is no size")));
    }
    if unit.is_empty() {
        return Err(explain(&format!("`{number}` has no unit")));
    }
    let Some(bytes) = bytes_of(unit) else {
        return Err(explain(&format!("`{unit}` is no unit of size")));
    };
    let number: Option<u64> = number.parse().ok();
    number.and_then(|number| number.checked_mul(bytes)).ok_or_else(|| explain("it is too large"))
}

fn bytes_of(unit: &str) -> Option<u64> {
    Some(match unit {
        "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_unit() {
        assert_eq!(parse("512B"), Ok(512));
        assert_eq!(parse("64KiB"), Ok(65_536));
        assert_eq!(parse("1 MB"), Ok(1_000_000));
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(parse("big").unwrap_err().starts_with("`big` is no size"));
        assert!(parse("10").unwrap_err().starts_with("`10` has no unit"));
        assert!(parse("10 apples").unwrap_err().starts_with("`apples` is no unit of size"));
        assert!(parse("99999999999999999999GB").unwrap_err().starts_with("it is too large"));
    }
}
