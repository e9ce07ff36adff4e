//! The status server of a service under test.

use std::net::SocketAddr;

use super::Http;
use crate::{Microservice, Running, resources::status::Status};

impl<S: Microservice> Running<S> {
    /// Where the status server listens; any free port of this machine unless the test's settings say another.
    ///
    /// # Panics
    /// When it is switched off.
    #[track_caller]
    pub fn status_addr(&self) -> SocketAddr {
        self.status().address()
    }

    /// The status server, as a client in the same process.
    ///
    /// # Panics
    /// When it is switched off.
    #[track_caller]
    pub fn status(&self) -> Http {
        let status = self.view().visit("status", Status::http).flatten();
        status.unwrap_or_else(|| panic!("`{}` has no status server: its settings switch it off", S::NAME))
    }
}
