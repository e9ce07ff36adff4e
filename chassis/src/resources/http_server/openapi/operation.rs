//! What one route takes and answers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::{Value, json};

use crate::schemas::Schemas;

/// What is known of one route besides its path: filled in by the types of its handler.
#[derive(Debug, Default)]
pub struct Operation {
    pub(super) schemas: Schemas,
    /// The names of the captures in the path, in order.
    pub(super) captures: Vec<String>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Content>,
    pub(super) answers: Vec<Content>,
    pub(super) failures: BTreeMap<u16, &'static str>,
    /// The status that an answer has by its type.
    pub(super) status: Option<u16>,
}

/// A piece of the path or the query.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) location: &'static str,
    pub(super) is_required: bool,
    pub(super) schema: Value,
    pub(super) description: Option<String>,
}

/// A body, in one direction.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) media_type: &'static str,
    pub(super) schema: Value,
    pub(super) note: Option<String>,
}

impl Operation {
    /// Adds a body that the handler reads.
    pub fn takes_body<T: JsonSchema + ?Sized>(&mut self, media_type: &'static str) {
        let schema = self.schemas.taken::<T>();
        self.set_body(media_type, schema, None);
    }

    /// Adds a body whose content has no schema.
    pub fn takes_raw_body(&mut self, media_type: &'static str) {
        self.set_body(media_type, json!({}), None);
    }

    /// Adds what the handler takes from the path: a struct by its members, a tuple by their order, or a single one.
    pub fn takes_path<T: JsonSchema + ?Sized>(&mut self) {
        let schema = self.schemas.taken_inline::<T>();
        self.failures.insert(400, "The path cannot be used.");
        let names = self.captures.clone();
        let by_order = schema.get("prefixItems").and_then(Value::as_array);
        let by_name = schema.get("properties").and_then(Value::as_object);
        for (nth, name) in names.into_iter().enumerate() {
            let found = match (by_name, by_order) {
                (Some(members), _) => members.get(&name).cloned(),
                (None, Some(items)) => items.get(nth).cloned(),
                (None, None) => Some(schema.clone()),
            };
            self.add_path_parameter(name, found.unwrap_or_else(|| json!({})));
        }
    }

    /// Adds what the handler takes from the query: the members of a struct.
    pub fn takes_query<T: JsonSchema + ?Sized>(&mut self) {
        let schema = self.schemas.taken_inline::<T>();
        self.failures.insert(400, "The query cannot be used.");
        let required: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, member) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let is_required = required.contains(&name.as_str());
            let description = member.get("description").and_then(Value::as_str).map(str::to_owned);
            let (name, schema) = (name.clone(), member.clone());
            self.parameters.push(Parameter { name, location: "query", is_required, schema, description });
        }
    }

    /// Adds a body of an answer.
    pub fn answers<T: JsonSchema + ?Sized>(&mut self, media_type: &'static str) {
        let schema = self.schemas.given::<T>();
        self.answers.push(Content { media_type, schema, note: None });
    }

    /// Adds a body of an answer that has no schema.
    pub fn answers_raw(&mut self, media_type: &'static str) {
        self.answers.push(Content { media_type, schema: json!({}), note: None });
    }

    /// Says the status of an answer, where its type decides about it.
    pub fn answers_status(&mut self, status: u16) {
        self.status = Some(status);
    }

    /// Adds an error, told by a problem document.
    pub fn fails(&mut self, status: u16, when: &'static str) {
        self.failures.insert(status, when);
    }

    /// Adds an argument whose type has no schema: a note says so.
    pub(super) fn takes_undescribed(&mut self, type_name: &str) {
        let (wrapper, inner) = taken_apart(type_name);
        let note = || Some(format!("No schema: `{inner}` does not implement `JsonSchema`."));
        match wrapper {
            "Json" | "Valid" | "Checked" => self.set_body("application/json", json!({}), note()),
            "Form" => self.set_body("application/x-www-form-urlencoded", json!({}), note()),
            "Path" => {
                self.failures.insert(400, "The path cannot be used.");
                for name in self.captures.clone() {
                    self.add_path_parameter(name, json!({}));
                    if let Some(parameter) = self.parameters.last_mut() {
                        parameter.description = note();
                    }
                }
            }
            "Query" => {
                self.failures.insert(400, "The query cannot be used.");
            }
            _ => {}
        }
    }

    /// Adds an answer whose type has no schema.
    pub(super) fn answers_undescribed(&mut self, type_name: &str) {
        let (wrapper, inner) = taken_apart(type_name);
        let note = Some(format!("No schema: `{inner}` does not implement `JsonSchema`."));
        let (media_type, note) = if wrapper == "Json" { ("application/json", note) } else { ("*/*", None) };
        self.answers.push(Content { media_type, schema: json!({}), note });
    }

    fn set_body(&mut self, media_type: &'static str, schema: Value, note: Option<String>) {
        self.body = Some(Content { media_type, schema, note });
        self.failures.insert(400, "The body cannot be read.");
        self.failures.insert(413, "The body is too long.");
        if media_type == "application/json" || media_type == "application/x-www-form-urlencoded" {
            self.failures.insert(415, "The body is of another media type.");
            self.failures.insert(422, "The body is not what is asked for; `errors` says where.");
        }
    }

    fn add_path_parameter(&mut self, name: String, schema: Value) {
        let description = schema.get("description").and_then(Value::as_str).map(str::to_owned);
        self.parameters.retain(|parameter| parameter.location != "path" || parameter.name != name);
        self.parameters.push(Parameter { name, location: "path", is_required: true, schema, description });
    }
}

/// `axum::json::Json<orders::Order>` as `Json` and `Order`.
fn taken_apart(type_name: &str) -> (&str, &str) {
    let (outer, inner) = type_name.split_once('<').unwrap_or((type_name, ""));
    let inner = inner.strip_suffix('>').unwrap_or(inner);
    let short = |path: &'_ str| path.rfind("::").map_or(0, |at| at + 2);
    // An inner type with arguments of its own keeps its full name.
    let inner = if inner.contains('<') { inner } else { &inner[short(inner)..] };
    (&outer[short(outer)..], inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_without_a_schema_is_called_by_its_short_name() {
        assert_eq!(taken_apart("axum::json::Json<orders::Order>"), ("Json", "Order"));
        assert_eq!(taken_apart("axum::json::Json<alloc::vec::Vec<a::B>>"), ("Json", "alloc::vec::Vec<a::B>"));
        assert_eq!(taken_apart("orders::Answer"), ("Answer", ""));
    }
}
