//! A server of a running service, as a test reaches it.

use std::{net::SocketAddr, ops::Deref};

pub use crate::http::{RequestBuilder, TestClient, TestResponse};

/// A server of a running service: a client in the same process, and the bound address for any other client.
///
/// The client needs no socket, so that a test may pause the clock.
#[derive(Debug, Clone)]
pub struct Http {
    address: SocketAddr,
    client: TestClient,
}

impl Http {
    pub(crate) fn new(address: SocketAddr, client: TestClient) -> Self {
        Self { address, client }
    }

    /// The bound address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of a path, for clients that want it as text.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// `running.http("http").get("/orders").await`
impl Deref for Http {
    type Target = TestClient;

    fn deref(&self) -> &TestClient {
        &self.client
    }
}
