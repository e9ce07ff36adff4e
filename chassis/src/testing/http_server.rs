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
            None => panic!("`{}` has no HTTP server called `{name}`; {}", S::NAME, self.known_servers()),
        }
    }

    fn known_servers(&self) -> String {
        let view = self.view();
        let is_server = |name: &&str| view.visit(name, |_: &HttpServer| ()).is_some();
        let resources = view.resources();
        let names: Vec<&str> = resources.iter().map(|resource| resource.name).filter(is_server).collect();
        if names.is_empty() { "it has none".to_owned() } else { format!("it has `{}`", names.join("`, `")) }
    }
}
