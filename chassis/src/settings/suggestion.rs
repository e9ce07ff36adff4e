//! "did you mean": the declared name that is nearest to what was written.

/// The candidate that `written` was probably meant to be.
pub(crate) fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(written);
    candidates
        .into_iter()
        // More letters than slips could explain; a key may be as long as a file.
        .filter(|candidate| *candidate != written && candidate.len().abs_diff(written.len()) <= 8)
        .map(|candidate| (strsim::damerau_levenshtein(&folded, &fold(candidate)), candidate))
        // One slip in a short name, two in a longer one, three in a long one.
        .filter(|(distance, candidate)| *distance <= allowed(folded.chars().count().min(candidate.chars().count())))
        .min()
        .map(|(_, candidate)| candidate)
}

fn allowed(length: usize) -> usize {
    match length {
        0..=2 => 0,
        3..=4 => 1,
        5..=8 => 2,
        _ => 3,
    }
}

/// `maxConnections`, `max-connections` and `max_connections` are the same name to a person.
fn fold(name: &str) -> String {
    name.chars().filter(|c| *c != '_' && *c != '-').flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        assert_eq!(nearest("prot", ["port", "host"]), Some("port"));
        assert_eq!(nearest("hostname", ["port", "host"]), None);
        assert_eq!(nearest("maxConnections", ["max_connections"]), Some("max_connections"));
        assert_eq!(nearest("collect_frequencies", ["collect_frequency"]), Some("collect_frequency"));
        assert_eq!(nearest("x", ["y"]), None);
    }
}
