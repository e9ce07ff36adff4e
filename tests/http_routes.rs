//! Routes by attribute: what a handler is given, and what its answer becomes.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use chassis::{Running, prelude::*, settings::Dict};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Orders of a shop.
#[microservice(name = "orders")]
struct Orders {
    #[resource]
    http: HttpServer,
    placed: std::sync::Mutex<Vec<Order>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Order {
    article: String,
    amount: u32,
}

#[derive(Debug, Deserialize)]
struct Page {
    #[serde(default)]
    from: usize,
}

#[microservice]
impl Orders {
    /// Finds an order.
    #[get("/orders/{id}")]
    async fn order(&self, Path(id): Path<usize>) -> Result<Json<Order>, Problem> {
        let placed = self.placed.lock().unwrap();
        placed.get(id).cloned().map(Json).ok_or_else(|| Problem::not_found().detail("no such order").with("order", id))
    }

    #[get("/orders")]
    async fn orders(&self, Query(page): Query<Page>) -> Json<Vec<Order>> {
        Json(self.placed.lock().unwrap().iter().skip(page.from).cloned().collect())
    }

    #[post("/orders", status = 201)]
    async fn place(&self, Json(order): Json<Order>) -> (axum::http::StatusCode, String) {
        let mut placed = self.placed.lock().unwrap();
        placed.push(order);
        (axum::http::StatusCode::CREATED, (placed.len() - 1).to_string())
    }

    #[delete("/orders")]
    async fn forget(&self) -> Result<()> {
        Err(Error::msg("cannot forget"))
    }
}

async fn start() -> Running<Orders> {
    Orders::builder().settings(Dict::new().set("resources.http.port", 0)).start().await.unwrap()
}

#[tokio::test]
async fn handlers_take_what_axum_extracts_and_answer_what_axum_sends() {
    let running = start().await;
    let http = running.service().http.client().unwrap();
    let placed = http.post("/orders").json(&json!({"article": "pen", "amount": 2})).await.unwrap();
    assert_eq!((placed.status().as_u16(), placed.text().as_str()), (201, "0"));
    let order: serde_json::Value = http.get("/orders/0").await.unwrap().json().unwrap();
    assert_eq!(order, json!({"article": "pen", "amount": 2}));
    let page: serde_json::Value = http.get("/orders?from=1").await.unwrap().json().unwrap();
    assert_eq!(page, json!([]));
    running.stop().await.unwrap();
}
