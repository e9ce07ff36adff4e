//! A client for tests, in the same process as the server: no socket, and so no real time.

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    sync::Arc,
};

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::DeserializeOwned};
use tokio::io::DuplexStream;

use crate::{Error, Result, ResultExt};

/// Sends requests to a server of a running service, each on a connection of its own. Cheap to clone.
#[derive(Clone)]
pub struct TestClient {
    connect: Arc<dyn Fn() -> DuplexStream + Send + Sync>,
}

impl TestClient {
    pub(crate) fn new(connect: Arc<dyn Fn() -> DuplexStream + Send + Sync>) -> Self {
        Self { connect }
    }

    /// A `GET` request.
    pub fn get(&self, uri: &str) -> RequestBuilder {
        self.request(Method::GET, uri)
    }

    /// A `POST` request.
    pub fn post(&self, uri: &str) -> RequestBuilder {
        self.request(Method::POST, uri)
    }

    /// A `PUT` request.
    pub fn put(&self, uri: &str) -> RequestBuilder {
        self.request(Method::PUT, uri)
    }

    /// A `PATCH` request.
    pub fn patch(&self, uri: &str) -> RequestBuilder {
        self.request(Method::PATCH, uri)
    }

    /// A `DELETE` request.
    pub fn delete(&self, uri: &str) -> RequestBuilder {
        self.request(Method::DELETE, uri)
    }

    /// A request of any method; `uri` is a path, with its query if there is one.
    pub fn request(&self, method: Method, uri: &str) -> RequestBuilder {
        let request =
            Request::builder().method(method).uri(uri).body(Bytes::new()).context(format!("`{uri}` is no URI"));
        RequestBuilder { client: self.clone(), request }
    }
}

impl fmt::Debug for TestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestClient")
    }
}

/// A request that is not sent yet; `.await` sends it.
#[derive(Debug)]
#[must_use = "a request is sent by `.await`"]
pub struct RequestBuilder {
    client: TestClient,
    request: Result<Request<Bytes>>,
}

impl RequestBuilder {
    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let header = HeaderName::from_bytes(name.as_bytes())
            .map_err(Error::from)
            .and_then(|name| Ok((name, HeaderValue::from_bytes(value.as_ref())?)));
        self.request = self.request.and_then(|mut request| {
            let (name, value) = header.with_context(|| format!("`{name}` is no header with this value"))?;
            request.headers_mut().append(name, value);
            Ok(request)
        });
        self
    }

    /// Sends `value` as JSON.
    pub fn json(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        self.request = self.request.and_then(|mut request| {
            *request.body_mut() = serde_json::to_vec(value)?.into();
            request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Ok(request)
        });
        self
    }

    /// Sends `bytes` as they are.
    pub fn body(mut self, bytes: impl Into<Bytes>) -> Self {
        if let Ok(request) = &mut self.request {
            *request.body_mut() = bytes.into();
        }
        self
    }

    /// Sends it and waits for the whole answer.
    ///
    /// # Errors
    /// When the request is malformed, or the server does not answer it.
    pub async fn send(self) -> Result<TestResponse> {
        let mut request = self.request?.map(Full::new);
        let host = HeaderValue::from_static("localhost");
        request.headers_mut().entry(header::HOST).or_insert(host);
        let io = TokioIo::new((self.client.connect)());
        let (mut sender, connection) = http1::handshake(io).await?;
        let answer = Box::pin(async move {
            let (head, body) = sender.send_request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok::<_, hyper::Error>(TestResponse { status: head.status, headers: head.headers, body })
        });
        // The connection makes the answer arrive, and may end before it is taken.
        match select(answer, connection).await {
            Either::Left((answer, _)) => Ok(answer?),
            Either::Right((ended, answer)) => {
                ended?;
                Ok(answer.await?)
            }
        }
    }
}

impl IntoFuture for RequestBuilder {
    type Output = Result<TestResponse>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct TestResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl TestResponse {
    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The first header of this name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Its body.
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// Its body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Its body read as JSON.
    ///
    /// # Errors
    /// When it is no JSON, or not of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("the answer is not what was expected: {}", self.text()))
    }
}
