//! Every rule about the struct.

use std::collections::BTreeMap;

use syn::{Ident, ext::IdentExt as _};

use super::model::{Field, Kind, Service};
use crate::{errors::Errors, settings, suggest};

/// Sections of `system` that every service has, so that a setting of the service cannot be called so.
const RESERVED_SETTINGS: [&str; 9] =
    ["deploy_name", "leader", "lifecycle", "logging", "microservices", "resources", "tasks", "threads", "timers"];

/// Sections of `system.resources` that every service has.
const RESERVED_RESOURCES: [&str; 4] = ["metrics", "profiler", "registry", "status"];

/// Collects what is wrong with the service.
pub(super) fn check(service: &Service, errors: &mut Errors) {
    check_name(service, errors);
    check_parts(service, errors);
    for field in &service.fields {
        check_field_name(field, errors);
        check_after(field, &service.fields, errors);
    }
    let settings = service.fields.iter().filter(|field| field.cfgs.is_empty());
    let settings = settings.filter_map(|field| match &field.kind {
        Kind::Setting(setting) => Some(&**setting),
        _ => None,
    });
    settings::check_names(settings.flat_map(settings::Field::names), errors);
    check_circles(&service.fields, errors);
}

fn check_name(service: &Service, errors: &mut Errors) {
    let name = &service.name;
    let is_legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(is_legal) {
        return;
    }
    let mut better: String =
        name.chars().map(|c| c.to_ascii_lowercase()).map(|c| if is_legal(c) { c } else { '_' }).collect();
    better = better.trim_matches(|c: char| c == '_' || c.is_ascii_digit()).to_owned();
    let hint = if better.is_empty() { String::new() } else { format!(": write `name = \"{better}\"`") };
    errors.at_span(
        service.name_span,
        format!(
            "a service's name begins with a small letter and has small letters, digits and `_` only, because it becomes a \
             settings key, an environment variable and the beginning of its metrics{hint}"
        ),
    );
}

fn check_parts(service: &Service, errors: &mut Errors) {
    for (at, part) in service.parts.iter().enumerate() {
        if service.parts[..at].contains(part) {
            errors.at(part, format!("part `{part}` is listed twice; remove one"));
        }
    }
}

fn check_field_name(field: &Field, errors: &mut Errors) {
    let name = field.name();
    match &field.kind {
        Kind::Resource { .. } if RESERVED_RESOURCES.contains(&name.as_str()) => errors.at(
            &field.ident,
            format!(
                "a resource cannot be called `{name}`: `system.resources.{name}` belongs to every service; choose another name, such as `my_{name}`"
            ),
        ),
        Kind::Setting(setting) => {
            for settings::Name { text, span } in setting.names() {
                if RESERVED_SETTINGS.contains(&text.as_str()) {
                    errors.at_span(
                        *span,
                        format!("a setting cannot be called `{text}`: that section belongs to every service; choose another name"),
                    );
                }
            }
        }
        Kind::Resource { .. } | Kind::Meter(_) | Kind::Plain | Kind::Broken => {}
    }
}

fn check_after(field: &Field, fields: &[Field], errors: &mut Errors) {
    for (at, name) in field.after().iter().enumerate() {
        let written = name.unraw().to_string();
        if field.after()[..at].contains(name) {
            errors.at(name, format!("`{written}` is named twice; remove one"));
            continue;
        }
        if written == field.name() {
            errors.at(name, format!("`{written}` cannot start after itself; remove it"));
            continue;
        }
        match fields.iter().find(|other| other.name() == written) {
            Some(other) if other.is_resource() || matches!(other.kind, Kind::Broken) => {}
            Some(_) => errors.at(
                name,
                format!(
                    "`{written}` is not a resource, so nothing can start after it; is `#[resource]` missing on it?"
                ),
            ),
            None => {
                let names: Vec<String> = fields
                    .iter()
                    .filter(|other| other.is_resource() && other.name() != field.name())
                    .map(Field::name)
                    .collect();
                let hint = match suggest::nearest(&written, names.iter().map(String::as_str)) {
                    Some(nearest) => format!(": did you mean `{nearest}`?"),
                    None if names.is_empty() => ": there is no other".to_owned(),
                    None => {
                        let names: Vec<&str> = names.iter().map(String::as_str).collect();
                        format!(": it could be {}", suggest::one_of(&names))
                    }
                };
                errors.at(name, format!("no resource is called `{written}`{hint}"));
            }
        }
    }
}

/// Tells each circle once, on the `after` of its member that is written first.
fn check_circles(fields: &[Field], errors: &mut Errors) {
    let edges: BTreeMap<String, &[Ident]> = fields.iter().map(|field| (field.name(), field.after())).collect();
    let mut done: Vec<String> = Vec::new();
    for field in fields {
        let mut path = Vec::new();
        walk(field.name(), &edges, &mut path, &mut done, errors);
    }
}

fn walk(
    name: String,
    edges: &BTreeMap<String, &[Ident]>,
    path: &mut Vec<(String, Option<Ident>)>,
    done: &mut Vec<String>,
    errors: &mut Errors,
) {
    if done.contains(&name) {
        return;
    }
    if let Some(start) = path.iter().position(|(seen, _)| *seen == name) {
        let circle = &path[start..];
        // A resource that names itself is told where its `after` is checked.
        if let [(_, Some(first)), _, ..] = circle {
            let mut names: Vec<&str> = circle.iter().map(|(name, _)| name.as_str()).collect();
            names.push(&name);
            errors.at(
                first,
                format!("`{name}` would wait for itself: {}; remove one `after` of this circle", names.join(" → ")),
            );
        }
        return;
    }
    path.push((name.clone(), None));
    for next in edges.get(&name).copied().unwrap_or_default() {
        if let Some(last) = path.last_mut() {
            last.1 = Some(next.clone());
        }
        walk(next.unraw().to_string(), edges, path, done, errors);
    }
    path.pop();
    done.push(name);
}
