//! The words in which a fault is told.

use serde_json::Value;

/// What a value is.
pub(super) fn found(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// What a type is called.
pub(super) fn with_article(name: &str) -> &'static str {
    match name {
        "null" => "null",
        "boolean" => "a boolean",
        "string" => "a string",
        "array" => "an array",
        "object" => "an object",
        "number" => "a number",
        "integer" => "an integer",
        _ => "something else",
    }
}

/// What may be chosen.
pub(super) fn one_of(allowed: &[Value]) -> String {
    let listed: Vec<String> = allowed
        .iter()
        .map(|value| format!("`{}`", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    match listed.as_slice() {
        [only] => format!("must be {only}"),
        _ => format!("must be one of {}", listed.join(", ")),
    }
}

/// What may have been meant by a member that nobody knows.
pub(super) fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> String {
    let closest = known.map(|known| (strsim::damerau_levenshtein(name, known), known)).min();
    match closest.filter(|(distance, known)| *distance <= 1 + known.len() / 4) {
        Some((_, known)) => format!("is not known; did you mean `{known}`?"),
        None => "is not known".to_owned(),
    }
}
