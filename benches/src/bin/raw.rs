//! The raw library: axum, nothing on. `raw --listen ADDRESS`.

use std::time::Duration;

use axum::{Json, Router, extract::Path, routing::get};
use benches::Order;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(2).unwrap_or_default();
    let routes = Router::new()
        .route("/orders/{id}", get(|Path(id): Path<u32>| async move { Json(Order::sample(id)) }))
        .route("/slow", get(|| async { tokio::time::sleep(Duration::from_millis(200)).await }))
        .route("/readyz", get(|| async { "" }));
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, routes).await
}
