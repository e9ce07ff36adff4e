//! The JSON Schema of the settings, for editors and for whoever checks files before they are deployed.

use serde_json::{Value as Json, json};

use super::{
    declared::Declared,
    merge::SERVICES,
    outline::{Content, Entry, Section},
    path::{KeyPath, ROOT},
    shape::{Change, Choice, Field, Kind, Shape},
};
use crate::json::object;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The JSON Schema (2020-12) of the whole tree, for the service of this name.
pub fn schema(declared: &[Declared], service: &str) -> Json {
    let outline = Section::of(declared);
    let mut system = section(&outline, true);
    let own = KeyPath::from_steps(vec![SERVICES.into(), service.into()]);
    // What stands below the service's own name overrides the rest, in parts: nothing is required there.
    let overrides = section(&outline, false);
    let overrides = overrides.get("properties").and_then(Json::as_object).cloned().unwrap_or_default();
    let at = format!("/properties/{SERVICES}/properties/{service}");
    if outline.at(&own).is_none() {
        system["properties"][SERVICES]["properties"][service] = json!({ "type": "object" });
    }
    if let Some(Json::Object(own)) = system.pointer_mut(&at) {
        let properties = own.entry("properties").or_insert_with(|| json!({}));
        if let Json::Object(properties) = properties {
            let overrides = overrides.into_iter().filter(|(name, _)| name != SERVICES);
            overrides.for_each(|(name, schema)| {
                properties.entry(name).or_insert(schema);
            });
        }
    }
    json!({
        "$schema": DIALECT,
        "title": format!("Settings of {service}"),
        "type": "object",
        "properties": { ROOT: system },
        "required": if outline.is_required() { vec![ROOT] } else { Vec::new() },
    })
}

fn section(section: &Section, with_required: bool) -> Json {
    let mut properties = object(section.entries.iter().map(|entry| (&entry.name, property(entry, with_required))));
    // Names that are accepted, and not recommended.
    for (entry, alias) in
        section.entries.iter().flat_map(|entry| entry.aliases().iter().map(move |alias| (entry, *alias)))
    {
        let mut other = property(entry, false);
        other["deprecated"] = json!(true);
        other["description"] = json!(format!("Another name of `{}`.", entry.name));
        properties.insert(alias.to_owned(), other);
    }
    let required: Vec<&str> = section
        .entries
        .iter()
        .filter(|entry| with_required && entry.is_required() && entry.aliases().is_empty())
        .map(|entry| entry.name.as_str())
        .collect();
    let mut schema = json!({ "type": ["object", "null"], "properties": properties });
    if !required.is_empty() {
        schema["type"] = json!("object");
        schema["required"] = json!(required);
    }
    if section.is_declared {
        schema["additionalProperties"] = json!(false);
    }
    schema
}

fn property(entry: &Entry, with_required: bool) -> Json {
    let mut schema = match &entry.content {
        Content::Value(it) => field(it),
        Content::Section(it) if it.is_optional => nullable(section(it, with_required)),
        Content::Section(it) => section(it, with_required),
    };
    if !entry.about.is_empty() {
        schema["description"] = json!(entry.about);
    }
    schema
}

fn field(field: &Field) -> Json {
    let mut schema = of_shape(&field.shape);
    if !field.is_required() {
        // Nothing takes a value back, so that the default counts.
        schema = nullable(schema);
    }
    let is_shown = field.default.as_ref().filter(|default| !default.is_null() && !field.shape.has_secret());
    if let Some(default) = is_shown {
        schema["default"] = default.clone();
    }
    if !field.about.is_empty() {
        schema["description"] = json!(field.about);
    }
    if let Kind::Int { .. } | Kind::Float = innermost(&field.shape).0 {
        for (name, bound) in [("minimum", field.rules.min), ("maximum", field.rules.max)] {
            if let Some(bound) = bound {
                schema[name] = bound.json();
            }
        }
    }
    if let Kind::Duration = innermost(&field.shape).0 {
        schema["x-unit"] = json!(field.rules.unit.word());
    }
    if field.change.map_or(field.shape.is_live(), |change| change == Change::Live) {
        schema["x-live"] = json!(true);
    }
    schema
}

impl Entry {
    /// Other names it may have.
    fn aliases(&self) -> &'static [&'static str] {
        match &self.content {
            Content::Value(field) => field.aliases,
            Content::Section(_) => &[],
        }
    }
}

/// The JSON Schema of values of a shape.
pub(crate) fn of_shape(shape: &Shape) -> Json {
    match &shape.0 {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Int { min, max } => {
            let mut schema = json!({ "type": "integer" });
            let limits = [("minimum", i64::try_from(*min).ok()), ("maximum", i64::try_from(*max).ok())];
            for (name, limit) in limits {
                if let Some(limit) = limit.filter(|limit| !matches!(*limit, i64::MIN | i64::MAX)) {
                    schema[name] = json!(limit);
                }
            }
            schema
        }
        Kind::Float => json!({ "type": "number" }),
        // Any scalar becomes text.
        Kind::Text { example: "", .. } => json!({ "type": ["string", "number", "boolean"] }),
        Kind::Text { is, example } => json!({ "type": "string", "title": is, "examples": [example] }),
        Kind::Duration => json!({ "type": ["string", "number"], "examples": ["500ms", "10s", "1m30s"] }),
        Kind::ByteSize => json!({ "type": ["string", "integer"], "examples": ["64KiB", "10MB"] }),
        Kind::Choice(choices) => json!({ "oneOf": choices.iter().map(choice).collect::<Vec<_>>() }),
        Kind::Names => json!({ "type": ["string", "array"], "items": { "type": "string" } }),
        Kind::List(items) => json!({ "type": "array", "items": of_shape(items) }),
        Kind::Map(items) => json!({ "type": "object", "additionalProperties": of_shape(items) }),
        Kind::Group(group) => section(&Section::of_fields(&group.fields), true),
        Kind::Optional(inner) => nullable(of_shape(inner)),
        Kind::Live(inner) => of_shape(inner),
        Kind::Secret(inner) => {
            let mut schema = of_shape(inner);
            schema["writeOnly"] = json!(true);
            schema
        }
        Kind::Schema(schema) => schema.clone(),
    }
}

fn choice(choice: &Choice) -> Json {
    let names: Vec<&str> = [choice.name].iter().chain(choice.aliases).copied().collect();
    let mut schema = if names.len() == 1 { json!({ "const": choice.name }) } else { json!({ "enum": names }) };
    if !choice.about.is_empty() {
        schema["description"] = json!(choice.about);
    }
    schema
}

fn nullable(mut schema: Json) -> Json {
    if let Some(Json::Array(choices)) = schema.get_mut("oneOf") {
        let null = json!({ "type": "null" });
        if !choices.contains(&null) {
            choices.push(null);
        }
        return schema;
    }
    match schema.get_mut("type") {
        Some(Json::String(name)) if name != "null" => schema["type"] = json!([*name, "null"]),
        Some(Json::Array(names)) if !names.contains(&json!("null")) => names.push(json!("null")),
        Some(_) => {}
        None => schema = json!({ "anyOf": [schema, { "type": "null" }] }),
    }
    schema
}

fn innermost(shape: &Shape) -> &Shape {
    match &shape.0 {
        Kind::Optional(inner) | Kind::Live(inner) | Kind::Secret(inner) => innermost(inner),
        _ => shape,
    }
}

/// The schema that a foreign type gives itself, so that it can stand inside of another one.
pub(crate) fn foreign<T: schemars::JsonSchema>() -> Json {
    let settings =
        schemars::generate::SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    if let Json::Object(members) = &mut schema {
        members.remove("$schema");
        // Types that contain themselves still refer to definitions of their own.
        if members.contains_key("$defs") {
            members.insert("$id".to_owned(), json!(format!("urn:chassis:type:{}", T::schema_id())));
        }
    }
    schema
}
