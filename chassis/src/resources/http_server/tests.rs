//! The pipeline as a client sees it, without a service around it.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![allow(clippy::disallowed_methods, reason = "tests keep real time and spawn for themselves")]

mod answers;
mod bodies;
mod endings;
mod lines;
mod paths;
mod problems;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

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

    fn set(mut self, change: impl FnOnce(&mut HttpServerSettings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Adds a handler out of a function of the request.
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
        let foundation = foundation::Foundation::new(&self.http, "http", &self.scope, INFO).unwrap();
        let site = foundation.site(self.settings.clone()).unwrap();
        let (scope, tasks) = (Arc::clone(&self.scope), Arc::new(Mutex::new(JoinSet::new())));
        let group = Arc::clone(&tasks);
        let spawner = Spawner::new(move |work| drop(group.lock().unwrap().spawn(scope.wrap(work))));
        let connections = ConnectionSettings::default();
        let listener = Listener::bind(self.settings.address(), &connections, "http").unwrap();
        let server = listener.serve(&connections, site.clone(), spawner);
        server.open();
        Open { client: server.client(), address: server.address(), scope: self.scope, site, server, tasks }
    }
}

struct Open {
    client: TestClient,
    address: SocketAddr,
    scope: Arc<Scope>,
    site: site::LiveSite,
    server: Server,
    /// What a context would end after `stop`.
    tasks: Arc<Mutex<JoinSet<()>>>,
}

impl Open {
    async fn get(&self, path: &str) -> TestResponse {
        self.client.get(path).await.unwrap()
    }

    /// A connection of its own, for what no client would send.
    async fn raw(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// The first line of the canonical lines that `is_it` accepts, once it is there.
    async fn line(&self, is_it: impl Fn(&Value) -> bool) -> Value {
        self.scope.logs().wait_for(|line| line["message"] == "RESPONSE" && is_it(line)).await
    }

    fn metric(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.scope.metrics().get(name, labels).unwrap_or_default()
    }

    /// The canonical lines so far.
    fn lines(&self) -> Vec<Value> {
        self.scope.logs().captured().into_iter().filter(|line| line["message"] == "RESPONSE").collect()
    }
}

/// A problem document, checked to be one.
fn problem(response: &TestResponse) -> Value {
    assert_eq!(response.header("content-type"), Some(PROBLEM_JSON));
    let document: Value = response.json().unwrap();
    assert_eq!(document["status"], response.status().as_u16());
    document
}

/// Everything the server sends until it closes.
async fn rest(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    // A reset after the answer is an end, too.
    let _ = stream.read_to_end(&mut text).await;
    String::from_utf8_lossy(&text).into_owned()
}
