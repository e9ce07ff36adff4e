//! The HTTP servers of a service under test.

use super::Http;
use crate::{HttpServer, Microservice, Running};

impl<S: Microservice> Running<S> {
    /// The HTTP server of this name: `running.http("http").get("/orders").await?`.
    ///
    /// # Panics
    /// When no field of the service has that name and is an [`HttpServer`], or when it is not started.
    #[track_caller]
    pub fn http(&self, name: &str) -> Http {
        let server =
            self.view().visit(name, |server: &HttpServer| Some(Http::new(server.address()?, server.client()?)));
        match server {
            Some(Some(server)) => server,
            Some(None) => panic!("the HTTP server `{name}` of `{}` is not started", S::NAME),
            None => panic!("`{}` has no HTTP server called `{name}`", S::NAME),
        }
    }
}
