//! One schema object, and what it says of a value by itself.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{super::fault::Faults, words::with_article};

/// One schema object.
#[derive(Default)]
pub(super) struct Node {
    pub(super) reference: Option<String>,
    /// Nothing fits: the schema `false`.
    pub(super) is_never: bool,
    pub(super) types: Vec<String>,
    pub(super) allowed: Option<Vec<Value>>,
    pub(super) minimum: Option<f64>,
    pub(super) maximum: Option<f64>,
    pub(super) above: Option<f64>,
    pub(super) below: Option<f64>,
    pub(super) multiple_of: Option<f64>,
    pub(super) min_length: Option<u64>,
    pub(super) max_length: Option<u64>,
    pub(super) min_items: Option<u64>,
    pub(super) max_items: Option<u64>,
    pub(super) min_properties: Option<u64>,
    pub(super) max_properties: Option<u64>,
    pub(super) has_unique_items: bool,
    pub(super) prefix_items: Vec<Node>,
    pub(super) items: Option<Box<Node>>,
    pub(super) properties: BTreeMap<String, Node>,
    pub(super) required: Vec<String>,
    pub(super) additional: Option<Box<Node>>,
    pub(super) all_of: Vec<Node>,
    pub(super) any_of: Vec<Node>,
    pub(super) not: Option<Box<Node>>,
}

impl Node {
    pub(super) fn new(schema: &Value) -> Self {
        let number = |key: &str| schema.get(key).and_then(Value::as_f64);
        let count = |key: &str| schema.get(key).and_then(Value::as_u64);
        let node = |key: &str| schema.get(key).map(|schema| Box::new(Node::new(schema)));
        let nodes = |key: &str| -> Vec<Node> {
            schema.get(key).and_then(Value::as_array).into_iter().flatten().map(Node::new).collect()
        };
        let texts = |key: &str| -> Vec<String> {
            match schema.get(key) {
                Some(Value::String(text)) => vec![text.clone()],
                Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                _ => Vec::new(),
            }
        };
        let reference = schema.get("$ref").and_then(Value::as_str).map(|path| match path {
            "#" => path.to_owned(),
            path => path.rsplit('/').next().unwrap_or(path).replace("~1", "/").replace("~0", "~"),
        });
        let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        let mut any_of = nodes("anyOf");
        any_of.extend(nodes("oneOf"));
        Self {
            reference,
            is_never: *schema == Value::Bool(false),
            types: texts("type"),
            allowed: match schema.get("const") {
                Some(only) => Some(vec![only.clone()]),
                None => schema.get("enum").and_then(Value::as_array).cloned(),
            },
            minimum: number("minimum"),
            maximum: number("maximum"),
            above: number("exclusiveMinimum"),
            below: number("exclusiveMaximum"),
            multiple_of: number("multipleOf"),
            min_length: count("minLength"),
            max_length: count("maxLength"),
            min_items: count("minItems"),
            max_items: count("maxItems"),
            min_properties: count("minProperties"),
            max_properties: count("maxProperties"),
            has_unique_items: schema.get("uniqueItems") == Some(&Value::Bool(true)),
            prefix_items: nodes("prefixItems"),
            items: node("items"),
            properties: properties.map(|(name, schema)| (name.clone(), Node::new(schema))).collect(),
            required: texts("required"),
            additional: node("additionalProperties"),
            all_of: nodes("allOf"),
            any_of,
            not: node("not"),
        }
    }

    pub(super) fn check_number(&self, number: &serde_json::Number, at: &str, faults: &mut Faults) {
        let Some(value) = number.as_f64() else { return };
        if let Some(minimum) = self.minimum.filter(|minimum| value < *minimum) {
            faults.add(at, format!("must be at least {minimum}"));
        }
        if let Some(maximum) = self.maximum.filter(|maximum| value > *maximum) {
            faults.add(at, format!("must be at most {maximum}"));
        }
        if let Some(above) = self.above.filter(|above| value <= *above) {
            faults.add(at, format!("must be above {above}"));
        }
        if let Some(below) = self.below.filter(|below| value >= *below) {
            faults.add(at, format!("must be below {below}"));
        }
        let is_off = |step: &f64| ((value / step).round() - value / step).abs() > 1e-9;
        if let Some(step) = self.multiple_of.filter(is_off) {
            faults.add(at, format!("must be a multiple of {step}"));
        }
    }

    pub(super) fn check_text(&self, text: &str, at: &str, faults: &mut Faults) {
        if self.min_length.is_some() || self.max_length.is_some() {
            check_count(text.chars().count(), self.min_length, self.max_length, "character", at, faults);
        }
    }

    pub(super) fn expected(&self) -> String {
        let mut names = self.types.iter().map(|name| with_article(name)).collect::<Vec<_>>();
        if names.is_empty() {
            names.push("something else");
        }
        names.join(" or ")
    }
}

/// Whether there are as many of something as there may be.
pub(super) fn check_count(
    count: usize,
    least: Option<u64>,
    most: Option<u64>,
    noun: &str,
    at: &str,
    faults: &mut Faults,
) {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    let plural = |number: u64| if number == 1 { "" } else { "s" };
    if let Some(least) = least.filter(|least| count < *least) {
        faults.add(at, format!("must have at least {least} {noun}{}", plural(least)));
    }
    if let Some(most) = most.filter(|most| count > *most) {
        faults.add(at, format!("must have at most {most} {noun}{}", plural(most)));
    }
}
