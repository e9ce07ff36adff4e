//! Routes by attribute: what a handler is given, what its answer becomes, and what the document says of it.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::Mutex;

use chassis::{
    axum::{Router, http::StatusCode, routing},
    http_server::{TestClient, get},
    prelude::*,
    settings::Dict,
};
use chassis_tests::no_leaks;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Orders of a shop.
#[microservice(name = "orders", parts = [more])]
struct Orders {
    #[resource]
    http: HttpServer,
    placed: Mutex<Vec<Order>>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Order {
    /// What is ordered.
    #[schemars(length(min = 1))]
    article: String,
    #[serde(default)]
    amount: u32,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Page {
    /// How many to skip.
    #[serde(default)]
    from: usize,
}

#[microservice]
impl Orders {
    /// Finds an order.
    ///
    /// Orders are numbered.
    #[get("/orders/{id}")]
    async fn order(&self, Path(id): Path<usize>) -> Result<Json<Order>, Problem> {
        let placed = self.placed.lock().unwrap();
        placed.get(id).cloned().map(Json).ok_or_else(|| Problem::not_found().detail("no such order").with("order", id))
    }

    #[get("/orders", cache = "10s")]
    async fn orders(&self, Query(page): Query<Page>) -> Json<Vec<Order>> {
        Json(self.placed.lock().unwrap().iter().skip(page.from).cloned().collect())
    }

    #[post("/orders", status = 201)]
    async fn place(&self, Valid(order): Valid<Order>) -> (StatusCode, String) {
        let mut placed = self.placed.lock().unwrap();
        placed.push(order);
        (StatusCode::CREATED, (placed.len() - 1).to_string())
    }

    #[before(start, http)]
    async fn extend(&self) {
        self.http.merge(Router::new().route("/plain", routing::get(|| async { "plain" })));
        self.http.problem_hook(|problem, request| problem.insert("uri", request.uri()));
    }
}

#[microservice(part = more)]
impl Orders {
    #[delete("/orders")]
    async fn forget(&self) -> Result<()> {
        Err(Error::msg("cannot forget"))
    }

    #[on(http, get("/general").name("general"))]
    async fn general(&self, Query(page): Query<Page>) -> Result<String, Problem> {
        Ok(page.from.to_string())
    }
}

fn with_server(test: impl AsyncFnOnce(TestClient)) {
    no_leaks(async {
        let running = Orders::builder().settings(Dict::new().set("resources.http.port", 0)).start().await.unwrap();
        let client = running.service().http.client().unwrap();
        test(client).await;
        running.stop().await.unwrap();
    });
}

#[test]
fn handlers_take_what_axum_extracts_and_answer_what_axum_sends() {
    with_server(async |http| {
        let placed = http.post("/orders").json(&json!({"article": "pen", "amount": 2})).await.unwrap();
        assert_eq!((placed.status().as_u16(), placed.text().as_str()), (201, "0"));
        let order: Value = http.get("/orders/0").await.unwrap().json().unwrap();
        assert_eq!(order, json!({"article": "pen", "amount": 2}));
        let page: Value = http.get("/orders?from=1").await.unwrap().json().unwrap();
        assert_eq!(page, json!([]));
    });
}

#[test]
fn the_general_form_of_a_route_and_a_plain_router_are_served_too() {
    with_server(async |http| {
        assert_eq!(http.get("/general?from=3").await.unwrap().text(), "3");
        assert_eq!(http.get("/plain").await.unwrap().text(), "plain");
    });
}

#[test]
fn every_error_is_a_problem_that_the_service_has_extended() {
    with_server(async |http| {
        for (request, status) in [
            (http.get("/orders/7"), 404),
            (http.get("/nowhere"), 404),
            (http.delete("/orders"), 500),
            (http.put("/orders"), 405),
            (http.get("/orders/x"), 400),
            (http.get("/orders?from=x"), 400),
            (http.post("/orders").json(&json!({})), 422),
            (http.post("/orders").body("{}"), 415),
        ] {
            let response = request.await.unwrap();
            let problem: Value = response.json().unwrap();
            assert_eq!(response.header("content-type"), Some("application/problem+json"), "{problem}");
            assert_eq!((response.status().as_u16(), &problem["status"]), (status, &json!(status)), "{problem}");
            assert!(problem["uri"].is_string(), "{problem}");
        }
    });
}

#[test]
fn faults_of_a_body_are_all_told_with_their_places() {
    with_server(async |http| {
        let response = http.post("/orders").json(&json!({"article": "", "amuont": 1, "amount": -1})).await.unwrap();
        let problem: Value = response.json().unwrap();
        let mut pointers: Vec<&str> =
            problem["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].as_str().unwrap()).collect();
        pointers.sort_unstable();
        assert_eq!(pointers, ["/amount", "/amuont", "/article"]);
    });
}

#[test]
fn the_document_is_made_of_the_handlers() {
    with_server(async |http| {
        let document: Value = http.get("/openapi.json").await.unwrap().json().unwrap();
        let order = &document["paths"]["/orders/{id}"]["get"];
        assert_eq!((&order["operationId"], &order["summary"]), (&json!("order"), &json!("Finds an order.")));
        assert_eq!(order["description"], "Orders are numbered.");
        assert_eq!(order["parameters"][0]["name"], "id");
        let page = &document["paths"]["/orders"]["get"]["parameters"][0];
        assert_eq!((&page["name"], &page["in"]), (&json!("from"), &json!("query")));
        let place = &document["paths"]["/orders"]["post"];
        let body = &place["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(body, &json!({"$ref": "#/components/schemas/Order"}));
        assert!(place["responses"]["201"]["content"]["text/plain"].is_object());
        assert_eq!(document["components"]["schemas"]["Order"]["required"], json!(["article"]));
        assert_eq!(
            document["info"],
            json!({"title": "orders", "version": "0.1.0", "description": "Orders of a shop."})
        );
    });
}

/// Two blocks that route the same path.
#[microservice(name = "twice", parts = [more])]
struct Twice {
    #[resource]
    http: HttpServer,
}

#[microservice]
impl Twice {
    #[get("/a")]
    async fn first(&self) {}
}

#[microservice(part = more)]
impl Twice {
    #[get("/a")]
    async fn second(&self) {}
}

#[test]
fn a_duplicate_across_blocks_is_reported_at_the_start() {
    no_leaks(async {
        let error = Twice::builder().settings(Dict::new().set("resources.http.port", 0)).start().await.unwrap_err();
        assert!(error.is_misconfigured());
        let text = format!("{error:#}");
        assert!(text.contains("`GET /a` is routed twice: to `first` and to `second`"), "{text}");
    });
}

/// A public and an internal server.
#[microservice(name = "two")]
struct Two {
    #[resource]
    http: HttpServer,
    #[resource]
    admin: HttpServer,
}

#[microservice]
impl Two {
    #[post(http, "/")]
    async fn public(&self, body: String) -> String {
        body
    }

    #[post(admin, "/")]
    async fn internal(&self, body: String) -> String {
        body
    }
}

#[test]
fn two_servers_have_settings_of_their_own() {
    no_leaks(async {
        let settings = Dict::new()
            .set("resources.http.port", 0)
            .set("resources.admin.port", 0)
            .set("resources.admin.body_limit", "1KiB");
        let running = Two::builder().settings(settings).start().await.unwrap();
        let status = async |server: &HttpServer| {
            server.client().unwrap().post("/").body("x".repeat(2000)).await.unwrap().status().as_u16()
        };
        let service = running.service();
        assert_eq!((status(&service.http).await, status(&service.admin).await), (200, 413));
        assert_ne!(service.http.address(), service.admin.address());
        running.stop().await.unwrap();
    });
}
