//! What can be said of a cron expression without a calendar; the rest is said at the start of the service.

/// The fields of an expression, with the numbers that they may hold.
const FIELDS: [(&str, u32, u32); 6] = [
    ("seconds", 0, 59),
    ("minutes", 0, 59),
    ("hours", 0, 23),
    ("day of the month", 1, 31),
    ("month", 1, 12),
    ("weekday", 0, 7),
];

const NICKNAMES: [&str; 7] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// Says what is wrong with an expression.
pub(crate) fn check(expression: &str) -> Result<(), String> {
    if expression.starts_with('@') {
        return if NICKNAMES.contains(&expression) {
            Ok(())
        } else {
            Err(format!("`{expression}` is no cron expression: there is {}", NICKNAMES.join(", ")))
        };
    }
    let written: Vec<&str> = expression.split_whitespace().collect();
    let fields = match written.len() {
        5 => &FIELDS[1..],
        6 => &FIELDS[..],
        count => {
            return Err(format!(
                "a cron expression has five fields (minute, hour, day, month, weekday), or six with seconds in front; this has {count}"
            ));
        }
    };
    for (text, (name, least, most)) in written.iter().zip(fields) {
        check_field(text, *least, *most).map_err(|what| format!("{name}: {what}"))?;
    }
    Ok(())
}

fn check_field(text: &str, least: u32, most: u32) -> Result<(), String> {
    for item in text.split(',') {
        if item.is_empty() {
            return Err("a value is missing between commas".to_owned());
        }
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (item, None),
        };
        if let Some(step) = step
            && !step.parse::<u32>().is_ok_and(|step| (1..=most.max(1)).contains(&step))
        {
            return Err(format!("a step is a number from 1 to {most}, this is `{step}`"));
        }
        if matches!(range, "*" | "?") {
            continue;
        }
        for value in range.split('-') {
            check_value(value, least, most)?;
        }
    }
    Ok(())
}

fn check_value(text: &str, least: u32, most: u32) -> Result<(), String> {
    if let Ok(number) = text.parse::<u32>() {
        return if (least..=most).contains(&number) {
            Ok(())
        } else {
            Err(format!("`{number}` is not between {least} and {most}"))
        };
    }
    let upper = text.to_ascii_uppercase();
    let names: &[&str] = match most {
        12 => &MONTHS,
        7 => &WEEKDAYS,
        _ => &[],
    };
    // Last, nearest weekday and n-th weekday belong to the days, and are looked at with the calendar.
    let is_calendar =
        matches!(most, 31 | 7) && upper.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '#' | '+'));
    if names.contains(&upper.as_str()) || (is_calendar && upper.contains(['L', 'W', '#'])) {
        return Ok(());
    }
    Err(format!("`{text}` means nothing here"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_is_used() {
        for expression in [
            "* * * * *",
            "*/5 0-6 1,15 * MON-FRI",
            "30 2 * * * *",
            "0 0 L * *",
            "0 0 15W * ?",
            "0 0 * * 5#2",
            "0 0 * JAN 5L",
            "@daily",
        ] {
            assert_eq!(check(expression), Ok(()), "{expression}");
        }
    }

    #[test]
    fn says_which_field_is_wrong() {
        let check = |expression| check(expression).unwrap_err();
        assert!(check("* * * *").ends_with("this has 4"));
        assert_eq!(check("61 * * * *"), "minutes: `61` is not between 0 and 59");
        assert_eq!(check("* 24 * * *"), "hours: `24` is not between 0 and 23");
        assert_eq!(check("* * 0 * *"), "day of the month: `0` is not between 1 and 31");
        assert_eq!(check("* * * FOO *"), "month: `FOO` means nothing here");
        assert_eq!(check("*/0 * * * *"), "minutes: a step is a number from 1 to 59, this is `0`");
        assert_eq!(check("1,,2 * * * *"), "minutes: a value is missing between commas");
        assert!(check("@often").starts_with("`@often` is no cron expression"));
    }
}
