//! The HTTP server of a service: routes by attribute on axum, with everything around them.
//!
//! ```
//! use chassis::prelude::*;
//! # use serde::Serialize;
//! # #[derive(Serialize)] struct Order { id: u32 }
//!
//! #[microservice]
//! struct Orders {
//!     #[resource]
//!     http: HttpServer,
//! }
//!
//! #[microservice]
//! impl Orders {
//!     /// Finds an order.
//!     #[get("/orders/{id}")]
//!     async fn order(&self, Path(id): Path<u32>) -> Result<Json<Order>, Problem> {
//!         Ok(Json(Order { id }))
//!     }
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! # let settings = chassis::settings::Dict::new().set("resources.http.port", 0);
//! # let running = Orders::builder().settings(settings).start().await?;
//! # let client = running.service().http.client().ok_or_else(|| Error::msg("not started"))?;
//! # assert_eq!(client.get("/orders/7").await?.text(), "{\"id\":7}");
//! # running.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Extractors and answers are axum's; [`Valid`] checks a JSON body against its schema, and every error becomes a
//! [`Problem`] document. Settings, at `system.resources.<field>`, are followed while the server runs: a request is
//! answered by those in force when it began, and another address is bound before the one in use is left.
//!
//! | key | default | what it says |
//! | --- | --- | --- |
//! | `host`, `port` | loopback (all interfaces on Kubernetes), 8080 | where to listen |
//! | `request_timeout` | 30 s | how long a handler may take: then 504, or 408 if the body was missing |
//! | `body_limit` | 2 MiB | longest body, also decompressed: then 413 |
//! | `trailing_slash` | true | whether `/a/` is answered as `/a` |
//! | `json_content_types` | none | media types taken for JSON besides JSON's own; `*` is all |
//! | `openapi` | true | whether `/openapi.json` is served |
//! | `etag` | true | tags and 304 for short answers |
//! | `compression.{enabled, min_size}` | true, 1 KiB | gzip for clients that accept it |
//! | `cache_size` | 16 MiB | room for answers of routes with `cache` |
//! | `cors.{origins, methods, headers, expose, credentials, max_age}` | no origin | pages of other origins |
//! | `load_shedding.{max_in_flight, max_lag}` | 10,000, 200 ms | when requests are turned away: 503 with `Retry-After` |
//! | `observability` | true | ids, lines and figures of requests |
//! | `pre_stop_delay` | 0 (5 s on Kubernetes) | how long to go on as before at a stop |
//! | `connections.*` | | limits of connections, see [`ConnectionSettings`] |

mod answer;
mod argument;
mod asked;
mod body;
mod cache;
mod content;
mod cors;
mod endpoint;
mod exchange;
mod foundation;
mod meters;
mod openapi;
mod outgoing;
mod path;
mod problem;
mod record;
mod rejection;
mod request;
mod resource;
mod route;
mod server;
mod settings;
mod shed;
mod site;
mod table;
mod valid;

pub use axum::{Json, extract::Query};

pub use self::{
    argument::{Answer, Last, Part, answer, last, part},
    openapi::{DescribeAnswer, DescribeArgument, Operation, Shape, Undescribed},
    path::Path,
    problem::{PROBLEM_JSON, Problem},
    record::RequestInfo,
    request::Request,
    route::{Route, any, delete, get, head, options, patch, post, put},
    server::HttpServer,
    settings::{CompressionSettings, CorsSettings, HttpServerSettings, LoadSheddingSettings},
    valid::{Check, Checked, Fault, Faults, Valid},
};
pub use crate::http::{
    ClientAuth, ClientCertificate, ConnectionSettings, RequestBuilder, TestClient, TestResponse, TlsInfo, TlsSettings,
    TlsVersion,
};

#[cfg(test)]
mod tests;
