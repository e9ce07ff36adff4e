//! The whole document: every route that is not hidden, and what they have in common.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{
    super::{path, problem::PROBLEM_JSON, route::Route},
    operation::{Content, Operation, Parameter},
};
use crate::schemas::{Schemas, rename};

/// What the document says of the service.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Info<'a> {
    pub(in super::super) title: &'a str,
    pub(in super::super) version: &'a str,
    pub(in super::super) about: &'a str,
}

/// Makes the OpenAPI 3.1 document of `routes`.
pub(in super::super) fn document<'a>(info: Info<'_>, routes: impl IntoIterator<Item = &'a Route>) -> Value {
    let mut schemas = Schemas::default();
    let mut described = Vec::new();
    for route in routes.into_iter().filter(|route| !route.is_hidden) {
        let mut operation = Operation { captures: path::names(&route.path), schemas, ..Operation::default() };
        if let Some(describe) = route.describe {
            describe(&mut operation);
        }
        schemas = std::mem::take(&mut operation.schemas);
        described.push((route, operation));
    }
    let (mut components, renamed) = schemas.components();
    components.insert("Problem".to_owned(), problem_schema());
    let mut paths: Map<String, Value> = Map::new();
    let mut names = BTreeSet::new();
    for (route, operation) in described {
        let path = route.path.replace("{*", "{");
        let item = paths.entry(path).or_insert_with(|| json!({}));
        for method in methods(route) {
            item[method] = written(route, &operation, &renamed, &mut names);
        }
    }
    let mut info = json!({"title": info.title, "version": info.version, "description": info.about});
    if info["description"] == "" {
        info.as_object_mut().map(|info| info.remove("description"));
    }
    let problem = json!({
        "description": "What went wrong (RFC 9457).",
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    });
    json!({
        "openapi": "3.1.0",
        "info": info,
        "paths": paths,
        "components": {"schemas": components, "responses": {"Problem": problem}},
    })
}

fn written(route: &Route, operation: &Operation, renamed: &[String], names: &mut BTreeSet<String>) -> Value {
    let mut written = Map::new();
    if !route.name.is_empty() {
        written.insert("operationId".to_owned(), json!(unique(route.name, names)));
    }
    let (summary, description) = route.about.split_once("\n\n").unwrap_or((route.about, ""));
    if !summary.is_empty() {
        written.insert("summary".to_owned(), json!(summary.replace('\n', " ")));
    }
    if !description.trim().is_empty() {
        written.insert("description".to_owned(), json!(description.trim()));
    }
    if !route.tags.is_empty() {
        written.insert("tags".to_owned(), json!(route.tags));
    }
    if route.is_deprecated {
        written.insert("deprecated".to_owned(), json!(true));
    }
    let parameters = parameters(operation);
    if !parameters.is_empty() {
        written.insert("parameters".to_owned(), json!(parameters));
    }
    if let Some(body) = &operation.body {
        written.insert("requestBody".to_owned(), described_content(body, true));
    }
    written.insert("responses".to_owned(), responses(route, operation, renamed));
    Value::Object(written)
}

/// All captures of the path, described or not, and the parameters of the query.
fn parameters(operation: &Operation) -> Vec<Value> {
    let described = |name: &String| {
        operation.parameters.iter().any(|parameter| parameter.location == "path" && parameter.name == *name)
    };
    let bare = operation
        .captures
        .iter()
        .filter(|name| !described(name))
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
    let written = operation.parameters.iter().map(|parameter| {
        let Parameter { name, location, is_required, schema, description } = parameter;
        let mut written = json!({"name": name, "in": location, "required": is_required, "schema": schema});
        if let Some(description) = description {
            written["description"] = json!(description);
        }
        written
    });
    bare.chain(written).collect()
}

fn responses(route: &Route, operation: &Operation, renamed: &[String]) -> Value {
    let status = route.status.map(|status| status.as_u16()).or(operation.status).unwrap_or(200);
    let mut success = json!({"description": reason(status)});
    // An answer of a status that has no body has none, whatever its type.
    if status != 204 && status != 304 {
        for answer in &operation.answers {
            let mut content = described_content(answer, false);
            rename(&mut content, renamed);
            success["content"][answer.media_type] = content["content"][answer.media_type].take();
            if let Some(note) = &answer.note {
                success["description"] = json!(format!("{}. {note}", reason(status)));
            }
        }
    }
    let mut responses = json!({status.to_string(): success});
    for (status, when) in &operation.failures {
        responses[status.to_string()] = json!({
            "description": when,
            "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        });
    }
    responses["default"] = json!({"$ref": "#/components/responses/Problem"});
    responses
}

fn described_content(content: &Content, is_required: bool) -> Value {
    let Content { media_type, schema, note } = content;
    let mut written = json!({"content": {*media_type: {"schema": schema}}});
    if is_required {
        written["required"] = json!(true);
    }
    if let Some(note) = note {
        written["description"] = json!(note);
    }
    written
}

/// The keys of an operation below its path.
fn methods(route: &Route) -> Vec<String> {
    match &route.method {
        Some(method) => vec![method.as_str().to_ascii_lowercase()],
        None => ["get", "put", "post", "delete", "patch"].map(str::to_owned).into(),
    }
}

/// The names between braces.
fn unique(name: &str, names: &mut BTreeSet<String>) -> String {
    let numbered = |nth: usize| if nth == 1 { name.to_owned() } else { format!("{name}_{nth}") };
    let mut nth = 1;
    while !names.insert(numbered(nth)) {
        nth += 1;
    }
    numbered(nth)
}

fn reason(status: u16) -> &'static str {
    http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Success")
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "What went wrong (RFC 9457).",
        "properties": {
            "type": {"type": "string", "description": "What kind of problem this is, as a URI reference."},
            "title": {"type": "string", "description": "A summary of the kind of problem."},
            "status": {"type": "integer", "minimum": 100, "maximum": 599},
            "detail": {"type": "string", "description": "What happened this time."},
            "instance": {"type": "string", "description": "A URI reference that names this occurrence."},
            "errors": {
                "type": "array",
                "description": "What is wrong with the body, and where.",
                "items": {
                    "type": "object",
                    "properties": {
                        "pointer": {"type": "string", "description": "A JSON Pointer into the body."},
                        "detail": {"type": "string"}
                    },
                    "required": ["pointer", "detail"]
                }
            }
        },
        "required": ["type", "title", "status"]
    })
}

#[cfg(test)]
mod tests {
    use axum::{Json, extract::Query};
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    use super::{
        super::{Shape, Undescribed as _},
        *,
    };
    use crate::http_server::{Path, delete, get, post};

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Order {
        article: String,
        #[serde(default)]
        amount: u32,
        lines: Vec<Line>,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Line {
        price: f64,
    }

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Page {
        /// How many to skip.
        from: Option<u64>,
        size: u8,
    }

    struct Plain;

    fn document_of(routes: &[Route]) -> Value {
        document(Info { title: "orders", version: "1.2.3", about: "" }, routes)
    }

    #[test]
    fn paths_queries_bodies_and_answers_are_described_by_their_types() {
        let document = document_of(&[
            get("/orders/{id}").name("order").about("Finds an order.\n\nOr does not.").describe(|operation| {
                Shape::<Path<u32>>::argument(operation);
                Shape::<Query<Page>>::argument(operation);
                Shape::<Json<Line>>::answer(operation);
            }),
            post("/orders").name("place").status(201).describe(|operation| {
                Shape::<Json<Line>>::argument(operation);
                Shape::<()>::answer(operation);
            }),
        ]);
        let order = &document["paths"]["/orders/{id}"]["get"];
        assert_eq!((&order["summary"], &order["description"]), (&json!("Finds an order."), &json!("Or does not.")));
        let id = &order["parameters"][0];
        assert_eq!(
            (&id["name"], &id["in"], &id["schema"]["maximum"]),
            (&json!("id"), &json!("path"), &json!(u32::MAX))
        );
        assert_eq!(order["parameters"][1]["description"], "How many to skip.");
        assert_eq!(
            (&order["parameters"][1]["required"], &order["parameters"][2]["required"]),
            (&json!(false), &json!(true))
        );
        let answer = &order["responses"]["200"]["content"]["application/json"]["schema"];
        assert_eq!(answer, &json!({"$ref": "#/components/schemas/Line"}));
        let place = &document["paths"]["/orders"]["post"];
        assert_eq!(place["requestBody"]["required"], true);
        assert_eq!(place["responses"]["201"], json!({"description": "Created"}));
        assert!(place["responses"]["422"].is_object());
        assert!(document["components"]["schemas"]["Line"].is_object());
    }

    #[test]
    fn a_type_whose_directions_differ_appears_twice() {
        let document = document_of(&[post("/").describe(|operation| {
            Shape::<Json<Order>>::argument(operation);
            Shape::<Json<Order>>::answer(operation);
        })]);
        let place = &document["paths"]["/"]["post"];
        let reference = |value: &Value| value["content"]["application/json"]["schema"]["$ref"].clone();
        assert_eq!(reference(&place["requestBody"]), "#/components/schemas/Order");
        assert_eq!(reference(&place["responses"]["200"]), "#/components/schemas/OrderAnswer");
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["Order"]["required"], json!(["article", "lines"]));
        assert_eq!(schemas["OrderAnswer"]["required"], json!(["article", "amount", "lines"]));
        assert!(schemas["LineAnswer"].is_null());
    }

    #[test]
    fn a_type_without_a_schema_appears_as_anything_with_a_note() {
        let document = document_of(&[delete("/{a}/{*b}").describe(|operation| {
            Shape::<Json<Plain>>::argument(operation);
            Shape::<Json<Plain>>::answer(operation);
        })]);
        let delete = &document["paths"]["/{a}/{b}"]["delete"];
        assert_eq!(delete["requestBody"]["content"]["application/json"]["schema"], json!({}));
        let note = "No schema: `Plain` does not implement `JsonSchema`.";
        assert_eq!(delete["requestBody"]["description"], note);
        assert_eq!(delete["responses"]["200"]["description"], format!("OK. {note}"));
        assert_eq!(delete["parameters"][1]["name"], "b");
    }

    #[test]
    fn names_are_unique_and_hidden_routes_left_out() {
        let document = document_of(&[get("/a").name("x"), get("/b").name("x"), get("/c").hidden()]);
        assert_eq!(document["paths"]["/b"]["get"]["operationId"], "x_2");
        assert!(document["paths"]["/c"].is_null());
    }
}
