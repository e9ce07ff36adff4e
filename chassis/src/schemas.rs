//! Schemas of types, and what they refer to: for the documents that describe a service.

use std::fmt;

use crate::json::object;
use schemars::{
    JsonSchema, SchemaGenerator,
    generate::SchemaSettings,
    transform::{Transform, transform_subschemas},
};
use serde_json::{Map, Value, json};

/// Where the document keeps what is referred to.
const COMPONENTS: &str = "#/components/schemas/";

/// Schemas in both directions: what serde reads and what it writes may differ.
pub(crate) struct Schemas {
    taken: SchemaGenerator,
    given: SchemaGenerator,
}

impl Schemas {
    /// The schema of what a handler takes; a reference where the type has a name.
    pub(crate) fn taken<T: JsonSchema + ?Sized>(&mut self) -> Value {
        bounded(self.taken.subschema_for::<T>())
    }

    /// The same, with its members in sight.
    #[cfg(feature = "http-server")]
    pub(crate) fn taken_inline<T: JsonSchema + ?Sized>(&mut self) -> Value {
        bounded(T::json_schema(&mut self.taken))
    }

    /// The schema of what a handler answers. It carries a mark until [`components`](Schemas::components) is asked.
    pub(crate) fn given<T: JsonSchema + ?Sized>(&mut self) -> Value {
        bounded(self.given.subschema_for::<T>())
    }

    /// Everything that is referred to. Where the two directions of a type differ, the answer's is called
    /// `<name>Answer`; the second list has the names to be changed in what was [`given`](Schemas::given).
    pub(crate) fn components(&mut self) -> (Map<String, Value>, Vec<String>) {
        let mut components = all_bounded(self.taken.take_definitions(false));
        let given = all_bounded(self.given.take_definitions(false));
        let differs = |(name, schema): (&String, &Value)| components.get(name).is_some_and(|taken| taken != schema);
        let mut renamed: Vec<String> =
            given.iter().filter(|entry| differs(*entry)).map(|(name, _)| name.clone()).collect();
        // What refers to a renamed one differs too, although its text is the same.
        loop {
            let refers = |schema: &Value| renamed.iter().any(|name| has_reference(schema, name));
            let more: Vec<String> = given
                .iter()
                .filter(|(name, schema)| !renamed.contains(name) && components.contains_key(*name) && refers(schema))
                .map(|(name, _)| name.clone())
                .collect();
            if more.is_empty() {
                break;
            }
            renamed.extend(more);
        }
        for (name, mut schema) in given {
            rename(&mut schema, &renamed);
            let name = if renamed.contains(&name) { answer_name(&name) } else { name };
            components.insert(name, schema);
        }
        (components, renamed)
    }
}

impl Default for Schemas {
    fn default() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            })
        };
        Self { taken: settings().into_generator(), given: settings().for_serialize().into_generator() }
    }
}

impl fmt::Debug for Schemas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Schemas")
    }
}

/// Turns references to renamed schemas to their new names.
pub(crate) fn rename(schema: &mut Value, renamed: &[String]) {
    match schema {
        Value::Object(members) => {
            for (key, member) in members.iter_mut() {
                let target = member.as_str().and_then(|path| path.strip_prefix(COMPONENTS));
                match target.filter(|target| key == "$ref" && renamed.iter().any(|name| name == target)) {
                    Some(target) => *member = json!(format!("{COMPONENTS}{}", answer_name(target))),
                    None => rename(member, renamed),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, renamed)),
        _ => {}
    }
}

/// Adds the bounds that a number has by its type, where the schema names only the format.
#[derive(Debug, Clone)]
pub(crate) struct Bounds;

impl Transform for Bounds {
    fn transform(&mut self, schema: &mut schemars::Schema) {
        let bounds = match schema.get("format").and_then(Value::as_str) {
            Some("int8") => Some((json!(i8::MIN), json!(i8::MAX))),
            Some("int16") => Some((json!(i16::MIN), json!(i16::MAX))),
            Some("int32") => Some((json!(i32::MIN), json!(i32::MAX))),
            Some("int64" | "int") => Some((json!(i64::MIN), json!(i64::MAX))),
            Some("uint8") => Some((json!(0), json!(u8::MAX))),
            Some("uint16") => Some((json!(0), json!(u16::MAX))),
            Some("uint32") => Some((json!(0), json!(u32::MAX))),
            Some("uint64" | "uint") => Some((json!(0), json!(u64::MAX))),
            _ => None,
        };
        if let Some(((least, most), members)) = bounds.zip(schema.as_object_mut()) {
            if !members.contains_key("exclusiveMinimum") {
                members.entry("minimum").or_insert(least);
            }
            if !members.contains_key("exclusiveMaximum") {
                members.entry("maximum").or_insert(most);
            }
        }
        transform_subschemas(self, schema);
    }
}

fn bounded(mut schema: schemars::Schema) -> Value {
    Bounds.transform(&mut schema);
    schema.to_value()
}

fn all_bounded(definitions: Map<String, Value>) -> Map<String, Value> {
    let one = |(name, schema): (String, Value)| match schemars::Schema::try_from(schema) {
        Ok(schema) => (name, bounded(schema)),
        Err(_) => (name, json!({})),
    };
    object(definitions.into_iter().map(one))
}

fn answer_name(name: &str) -> String {
    format!("{name}Answer")
}

fn has_reference(schema: &Value, name: &str) -> bool {
    match schema {
        Value::Object(members) => members.iter().any(|(key, member)| {
            let target = member.as_str().and_then(|path| path.strip_prefix(COMPONENTS));
            (key == "$ref" && target == Some(name)) || has_reference(member, name)
        }),
        Value::Array(items) => items.iter().any(|item| has_reference(item, name)),
        _ => false,
    }
}
