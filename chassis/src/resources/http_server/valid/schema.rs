//! A JSON Schema prepared for checking values: the part of the 2020-12 dialect that `schemars` writes.
//!
//! Keywords that are not known here, `pattern` and `format` among them, are taken as documentation.

mod node;
mod words;

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use self::{
    node::{Node, check_count},
    words::{found, one_of, unknown},
};
use super::fault::{Faults, push_token};

/// A schema with its definitions.
pub(super) struct Schema {
    root: Node,
    definitions: BTreeMap<String, Node>,
}

impl Schema {
    pub(super) fn new(schema: &Value) -> Self {
        let definitions = ["$defs", "definitions"].iter().filter_map(|key| schema.get(key)?.as_object()).flatten();
        let definitions = definitions.map(|(name, schema)| (name.clone(), Node::new(schema))).collect();
        Self { root: Node::new(schema), definitions }
    }

    pub(super) fn check(&self, value: &Value, faults: &mut Faults) {
        self.check_node(&self.root, value, &mut String::new(), faults);
    }

    fn check_node(&self, node: &Node, value: &Value, at: &mut String, faults: &mut Faults) {
        if let Some(target) = node.reference.as_ref().and_then(|name| self.resolve(name)) {
            self.check_node(target, value, at, faults);
        }
        if node.is_never {
            return faults.add(at.as_str(), "is not allowed");
        }
        if !node.types.is_empty() && !node.types.iter().any(|name| is_of_type(value, name)) {
            return faults.add(at.as_str(), format!("expected {}, found {}", node.expected(), found(value)));
        }
        if let Some(allowed) = node.allowed.as_ref().filter(|allowed| !allowed.contains(value)) {
            return faults.add(at.as_str(), one_of(allowed));
        }
        match value {
            Value::Number(number) => node.check_number(number, at, faults),
            Value::String(text) => node.check_text(text, at, faults),
            Value::Array(items) => self.check_array(node, items, at, faults),
            Value::Object(members) => self.check_object(node, members, at, faults),
            Value::Null | Value::Bool(_) => {}
        }
        for part in &node.all_of {
            self.check_node(part, value, at, faults);
        }
        if !node.any_of.is_empty() {
            self.check_alternatives(&node.any_of, value, at, faults);
        }
        if let Some(not) = &node.not {
            let mut inner = Faults::default();
            self.check_node(not, value, at, &mut inner);
            if inner.is_empty() {
                faults.add(at.as_str(), "is not allowed");
            }
        }
    }

    fn check_array(&self, node: &Node, items: &[Value], at: &mut String, faults: &mut Faults) {
        check_count(items.len(), node.min_items, node.max_items, "item", at, faults);
        if node.has_unique_items
            && let Some(nth) = first_repeated(items)
        {
            faults.add(format!("{at}/{nth}"), "is in the list already");
        }
        for (nth, item) in items.iter().enumerate() {
            if let Some(schema) = node.prefix_items.get(nth).or(node.items.as_deref()) {
                self.below(&nth.to_string(), at, |at| self.check_node(schema, item, at, faults));
            }
        }
    }

    fn check_object(
        &self,
        node: &Node,
        members: &serde_json::Map<String, Value>,
        at: &mut String,
        faults: &mut Faults,
    ) {
        check_count(members.len(), node.min_properties, node.max_properties, "member", at, faults);
        for name in node.required.iter().filter(|name| !members.contains_key(*name)) {
            self.below(name, at, |at| faults.add(at.as_str(), "is required"));
        }
        for (name, member) in members {
            let (schema, is_known) = match node.properties.get(name) {
                Some(schema) => (Some(schema), true),
                None => (node.additional.as_deref(), false),
            };
            let Some(schema) = schema else { continue };
            self.below(name, at, |at| match schema.is_never && !is_known {
                true => faults.add(at.as_str(), unknown(name, node.properties.keys())),
                false => self.check_node(schema, member, at, faults),
            });
        }
    }

    /// One alternative has to fit. If none does, the one that came closest is explained.
    fn check_alternatives(&self, alternatives: &[Node], value: &Value, at: &mut String, faults: &mut Faults) {
        let mut closest: Option<(usize, Faults)> = None;
        for alternative in alternatives {
            let mut inner = Faults::default();
            self.check_node(alternative, value, at, &mut inner);
            if inner.is_empty() {
                return;
            }
            // A fault at this very place, or a tag that differs, says that another alternative was meant.
            let is_other = |fault: &super::Fault| fault.pointer == *at || fault.detail.starts_with("must be ");
            let distance = inner.found() + 1000 * inner.list().iter().filter(|fault| is_other(fault)).count();
            if closest.as_ref().is_none_or(|(least, _)| distance < *least) {
                closest = Some((distance, inner));
            }
        }
        let mut allowed = Vec::new();
        let mut expected: Vec<String> = Vec::new();
        for node in alternatives.iter().map(|node| self.follow(node)) {
            allowed.extend(node.allowed.iter().flatten().cloned());
            expected.push(node.expected());
        }
        let is_choice = alternatives.iter().all(|node| self.follow(node).allowed.is_some());
        match closest {
            _ if is_choice => faults.add(at.as_str(), one_of(&allowed)),
            Some((distance, inner)) if distance < 1000 => faults.extend(inner),
            Some((_, inner)) if inner.list().iter().any(|fault| fault.pointer != *at) => faults.extend(inner),
            _ => {
                expected.dedup();
                faults.add(at.as_str(), format!("expected {}, found {}", expected.join(" or "), found(value)));
            }
        }
    }

    fn follow<'a>(&'a self, node: &'a Node) -> &'a Node {
        node.reference.as_ref().and_then(|name| self.resolve(name)).unwrap_or(node)
    }

    fn resolve(&self, name: &str) -> Option<&Node> {
        if name == "#" { Some(&self.root) } else { self.definitions.get(name) }
    }

    fn below(&self, token: &str, at: &mut String, then: impl FnOnce(&mut String)) {
        let length = at.len();
        push_token(at, token);
        then(at);
        at.truncate(length);
    }
}

/// The first item that equals an earlier one. Every item is looked at once: a list may be as long as the body allows.
fn first_repeated(items: &[Value]) -> Option<usize> {
    let mut seen = HashSet::with_capacity(items.len());
    items.iter().position(|item| !seen.insert(item))
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        // 1.0 is an integer for JSON Schema, but not for serde; the type itself says no to it later.
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(schema: Value, value: Value) -> Vec<String> {
        let mut faults = Faults::default();
        Schema::new(&schema).check(&value, &mut faults);
        faults.list().iter().map(|fault| format!("{}: {}", fault.pointer, fault.detail)).collect()
    }

    #[test]
    fn numbers_keep_their_bounds() {
        let schema = json!({"type": "integer", "minimum": 1, "maximum": 5});
        assert_eq!(check(schema.clone(), json!(3)), [""; 0]);
        assert_eq!(check(schema.clone(), json!(0)), [": must be at least 1"]);
        assert_eq!(check(schema.clone(), json!(6)), [": must be at most 5"]);
        assert_eq!(check(schema, json!(1.5)), [": expected an integer, found a number"]);
        assert_eq!(check(json!({"exclusiveMinimum": 0}), json!(0)), [": must be above 0"]);
        assert_eq!(check(json!({"multipleOf": 0.1}), json!(0.3)), [""; 0]);
    }

    #[test]
    fn a_choice_lists_what_may_be_chosen() {
        let by_enum = json!({"enum": ["high", "low"]});
        let by_const = json!({"oneOf": [{"const": "high"}, {"const": "low"}]});
        assert_eq!(check(by_enum, json!("hihg")), [": must be one of `high`, `low`"]);
        assert_eq!(check(by_const, json!("hihg")), [": must be one of `high`, `low`"]);
    }

    #[test]
    fn of_several_alternatives_the_meant_one_is_explained() {
        let schema = json!({"oneOf": [
            {"type": "object", "properties": {"kind": {"const": "card"}, "number": {"type": "string"}}, "required": ["kind", "number"]},
            {"type": "object", "properties": {"kind": {"const": "cash"}, "amount": {"type": "number"}}, "required": ["kind", "amount"]},
        ]});
        assert_eq!(
            check(schema.clone(), json!({"kind": "cash", "amount": "1"})),
            ["/amount: expected a number, found a string"]
        );
        assert_eq!(check(schema, json!(1)), [": expected an object, found a number"]);
    }

    #[test]
    fn an_optional_reference_is_followed() {
        let schema = json!({
            "properties": {"line": {"anyOf": [{"$ref": "#/$defs/Line"}, {"type": "null"}]}},
            "$defs": {"Line": {"type": "object", "properties": {"price": {"type": "number"}}}}
        });
        assert_eq!(check(schema.clone(), json!({"line": null})), [""; 0]);
        assert_eq!(
            check(schema.clone(), json!({"line": {"price": "x"}})),
            ["/line/price: expected a number, found a string"]
        );
        assert_eq!(check(schema, json!({"line": "x"})), ["/line: expected an object or null, found a string"]);
    }

    #[test]
    fn a_schema_may_refer_to_itself() {
        let schema = json!({"properties": {"child": {"$ref": "#"}}, "required": ["name"]});
        assert_eq!(
            check(schema, json!({"name": 1, "child": {"name": 1, "child": {}}})),
            ["/child/child/name: is required"]
        );
    }

    #[test]
    fn lists_keep_their_length_and_items_their_place() {
        let schema = json!({"prefixItems": [{"type": "string"}], "items": {"type": "number"}, "maxItems": 2, "uniqueItems": true});
        assert_eq!(check(schema.clone(), json!(["a", 1])), [""; 0]);
        assert_eq!(
            check(schema, json!([1, "b", "b"])),
            [
                ": must have at most 2 items",
                "/2: is in the list already",
                "/0: expected a string, found a number",
                "/1: expected a number, found a string",
                "/2: expected a number, found a string"
            ]
        );
    }

    #[test]
    fn a_long_list_of_unique_items_is_looked_at_once() {
        // Each against each would take minutes.
        let items: Vec<Value> = (0..300_000).map(Value::from).collect();
        assert_eq!(check(json!({"uniqueItems": true}), Value::Array(items)), [""; 0]);
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        assert_eq!(check(json!({"maxLength": 2}), json!("äö")), [""; 0]);
        assert_eq!(check(json!({"maxLength": 1}), json!("äö")), [": must have at most 1 character"]);
    }
}
