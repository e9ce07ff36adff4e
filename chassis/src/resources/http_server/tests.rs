//! The pipeline as a client sees it, without a service around it.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::Arc;

use serde_json::Value;

use super::*;
use crate::{
    http::{ConnectionSettings, Listener, Server, Spawner, TestClient, TestResponse},
    logging::Logs,
    scope::Scope,
};

const INFO: openapi::Info<'_> = openapi::Info { title: "orders", version: "1.0.0", about: "" };

/// A server without a service.
struct Bench {
    http: HttpServer,
    scope: Arc<Scope>,
    settings: HttpServerSettings,
}

impl Bench {
    fn new() -> Self {
        let scope = Scope::new("orders", Logs::captured_for("orders"));
        let settings = HttpServerSettings { port: 0, ..HttpServerSettings::default() };
        Self { http: HttpServer::default(), scope, settings }
    }

    /// Adds a handler out of a function of its arguments.
    fn on<F, Fut, R>(self, route: Route, handler: F) -> Self
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = R> + Send + 'static,
        R: Answer + Send + 'static,
    {
        self.http.on(route, move |request| {
            let answering = handler(request);
            async move { answering.await.answer() }
        });
        self
    }

    fn open(self) -> Open {
        let site = self.http.site("http", &self.scope, INFO, self.settings.clone()).unwrap();
        let scope = Arc::clone(&self.scope);
        let spawner = Spawner::new(move |work| drop(tokio::spawn(scope.wrap(work))));
        let connections = ConnectionSettings::default();
        let listener = Listener::bind(self.settings.address(), &connections, "http").unwrap();
        let server = listener.serve(&connections, site, spawner);
        server.open();
        Open { client: server.client(), scope: self.scope, _server: server }
    }
}

struct Open {
    client: TestClient,
    scope: Arc<Scope>,
    _server: Server,
}

impl Open {
    async fn get(&self, path: &str) -> TestResponse {
        self.client.get(path).await.unwrap()
    }

    /// The canonical lines so far.
    fn lines(&self) -> Vec<Value> {
        self.scope.logs().captured().into_iter().filter(|line| line["message"] == "RESPONSE").collect()
    }
}

#[tokio::test]
async fn a_route_answers_and_one_line_tells_of_it() {
    let open = Bench::new().on(get("/hello"), |_| async { "hello" }).open();
    let response = open.get("/hello?a=1").await;
    assert_eq!((response.status().as_u16(), response.text().as_str()), (200, "hello"));
    let lines = open.lines();
    assert_eq!(lines.len(), 1);
    let line = &lines[0];
    assert_eq!(
        (&line["method"], &line["uri"], &line["route"]),
        (&"GET".into(), &"/hello?a=1".into(), &"/hello".into())
    );
    assert_eq!((&line["status"], &line["bytes_out"], &line["outcome"]), (&200.into(), &5.into(), &"ok".into()));
    assert_eq!(line["req_id"].as_str(), response.header("x-request-id"));
}
