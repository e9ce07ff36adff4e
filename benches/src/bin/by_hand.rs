//! What people wire by hand: axum with `TraceLayer`, `metrics!` with labels, one JSON line per request, settings from
//! a file and the environment, a command line, a schema of the settings.
//!
//! The lean way to do each, so that the comparison flatters nobody: `TraceLayer` at its default level, below that of the
//! log; the line has no span to carry along; the exporter's upkeep runs.

use std::{
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::{MatchedPath, Path, Request},
    middleware::{self, Next},
    response::Response,
    routing::get,
};
use benches::Order;
use clap::Parser;
use figment::{
    Figment,
    providers::{Env, Format, Toml},
};
use metrics_exporter_prometheus::PrometheusBuilder;
use schemars::JsonSchema;
use serde::Deserialize;
use tower_http::trace::TraceLayer;
use tracing::info;

/// Serves orders.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// A file with settings.
    #[arg(long)]
    settings: Option<PathBuf>,
    /// Where to listen.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Print the schema of the settings.
    #[arg(long)]
    schema: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
struct Settings {
    /// Where to listen.
    listen: SocketAddr,
    /// Upper bounds of the latency buckets, in seconds.
    buckets: Vec<f64>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { listen: SocketAddr::from(([127, 0, 0, 1], 8080)), buckets: vec![0.001, 0.01, 0.1, 1.0] }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    if arguments.schema {
        println!("{}", serde_json::to_string_pretty(&schemars::schema_for!(Settings))?);
        return Ok(());
    }
    tracing_subscriber::fmt().json().init();
    let mut sources = Figment::new();
    if let Some(file) = arguments.settings {
        sources = sources.merge(Toml::file_exact(file));
    }
    let settings: Settings = sources.merge(Env::prefixed("ORDERS_").split("__")).extract()?;

    let recorder = PrometheusBuilder::new().set_buckets(&settings.buckets)?.install_recorder()?;
    let upkeep = recorder.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            upkeep.run_upkeep();
        }
    });
    let routes = Router::new()
        .route("/orders/{id}", get(order))
        .route("/readyz", get(|| async { "" }))
        .route("/metrics", get(|| async move { recorder.render() }))
        .route_layer(middleware::from_fn(measure))
        .layer(TraceLayer::new_for_http());
    let listener = tokio::net::TcpListener::bind(arguments.listen.unwrap_or(settings.listen)).await?;
    axum::serve(listener, routes).await?;
    Ok(())
}

async fn order(Path(id): Path<u32>) -> Json<Order> {
    Json(Order::sample(id))
}

async fn measure(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or_else(String::new, |path| path.as_str().to_owned());
    let method = request.method().clone();
    let uri = request.uri().clone();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    let time = began.elapsed();
    let labels = [("method", method.to_string()), ("route", route.clone()), ("status", status.to_string())];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_seconds", &labels).record(time);
    info!(%method, %uri, route, status, time_ms = time.as_secs_f64() * 1e3, "RESPONSE");
    response
}
