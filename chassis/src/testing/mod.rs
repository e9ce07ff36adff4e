//! Helpers for tests of services: clients in the same process, settings in place.

#[cfg(feature = "_http")]
mod http;
#[cfg(feature = "http-server")]
mod http_server;
mod settings;
#[cfg(feature = "status")]
mod status;
pub(crate) mod yaml;

#[cfg(feature = "_http")]
pub use self::http::{Http, RequestBuilder, TestClient, TestResponse};
pub use self::settings::{assert_sample, reference, sample, schema};
