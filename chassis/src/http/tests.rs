#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests keep real time and spawn for themselves")]

mod closing;
#[cfg(target_os = "linux")]
mod cpu;
mod hostile;
mod in_process;
#[cfg(feature = "tls")]
mod tls;
mod two;

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
    time::{sleep, timeout},
};

use super::*;

/// Longer than anything here takes, shorter than anybody's patience.
const ENOUGH: Duration = Duration::from_secs(20);

/// Answers with the path; `/slow` waits until it is let go, `/sleep/<ms>` for so long, `/panic` panics.
#[derive(Clone)]
struct Echo {
    let_go: Arc<Semaphore>,
    entered: Arc<Semaphore>,
}

impl Echo {
    fn new() -> Self {
        Self { let_go: Arc::new(Semaphore::new(0)), entered: Arc::new(Semaphore::new(0)) }
    }

    /// Waits until a handler of `/slow` runs.
    async fn entered(&self) {
        timeout(ENOUGH, self.entered.acquire()).await.unwrap().unwrap().forget();
    }
}

impl Exchange for Echo {
    type Body = BoxBody<Bytes, Infallible>;

    fn call(
        &self,
        request: Request<Incoming>,
        peer: &Arc<Peer>,
        _: tokio::time::Instant,
    ) -> impl Future<Output = Response<Self::Body>> + Send + 'static {
        let echo = self.clone();
        let mut deadline = Deadline::at(peer, tokio::time::Instant::now() + Duration::from_secs(3));
        let peer = Arc::clone(peer);
        async move {
            let path = request.uri().path().to_owned();
            if path == "/slow" {
                echo.entered.add_permits(1);
                echo.let_go.acquire().await.unwrap().forget();
            }
            if path == "/deadline" {
                std::future::poll_fn(|cx| deadline.poll_passed(cx)).await;
            }
            if let Some(millis) = path.strip_prefix("/sleep/") {
                sleep(Duration::from_millis(millis.parse().unwrap())).await;
            }
            assert_ne!(path, "/panic", "as asked");
            if path == "/whoami" {
                let client = peer.tls().and_then(|tls| tls.client.as_ref());
                let name = client.map_or("nobody", |client| &client.subject).to_owned();
                return Response::new(Full::new(name.into()).boxed());
            }
            if path == "/large" {
                return Response::new(Full::new(Bytes::from(vec![b'x'; 16 * 1024 * 1024])).boxed());
            }
            if path == "/stream" {
                let chunk = Bytes::from(vec![b'x'; 64 * 1024]);
                let chunks = futures_util::stream::iter((0..256).map(move |_| Ok(Frame::data(chunk.clone()))));
                return Response::new(StreamBody::new(chunks).boxed());
            }
            if path == "/drip" {
                let drops = futures_util::stream::unfold(0, |n| async move {
                    sleep(Duration::from_millis(if n == 0 { 0 } else { 150 })).await;
                    (n < 5).then(|| (Ok(Frame::data(Bytes::from_static(b"drop"))), n + 1))
                });
                return Response::new(StreamBody::new(drops).boxed());
            }
            if path == "/unread" {
                return Response::new(Full::new(Bytes::from_static(b"refused")).boxed());
            }
            let mut body = request.into_body();
            let mut bytes = 0;
            while let Some(Ok(frame)) = body.frame().await {
                bytes += frame.data_ref().map_or(0, Bytes::len);
            }
            Response::new(Full::new(format!("{path} {bytes}").into()).boxed())
        }
    }
}

fn spawner() -> Spawner {
    Spawner::new(|work| drop(tokio::spawn(work)))
}

fn serve(settings: &ConnectionSettings) -> (Server, Echo) {
    let echo = Echo::new();
    let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0)), settings, "system.resources.http").unwrap();
    let server = listener.serve(settings, echo.clone(), spawner());
    (server, echo)
}

fn open(settings: &ConnectionSettings) -> (Server, Echo) {
    let (server, echo) = serve(settings);
    server.open();
    (server, echo)
}

/// Waits until `is_so`, with a limit; for what no event tells.
async fn eventually(is_so: impl Fn() -> bool) {
    timeout(ENOUGH, async {
        while !is_so() {
            sleep(Duration::from_millis(2)).await;
        }
    })
    .await
    .unwrap();
}

/// A client that writes and reads bytes.
struct Raw {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Raw {
    async fn connect(server: &Server) -> Self {
        Self { stream: TcpStream::connect(server.address()).await.unwrap(), read: Vec::new() }
    }

    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    async fn get(&mut self, path: &str) {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
    }

    /// One answer with a content length.
    async fn answer(&mut self) -> String {
        timeout(ENOUGH, async {
            loop {
                let text = String::from_utf8_lossy(&self.read).into_owned();
                if let Some((head, rest)) = text.split_once("\r\n\r\n") {
                    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                    let length: usize = length.map_or(0, |length| length.parse().unwrap());
                    if rest.len() >= length {
                        let whole = head.len() + 4 + length;
                        self.read.drain(..whole);
                        return text[..whole].to_owned();
                    }
                }
                assert!(self.stream.read_buf(&mut self.read).await.unwrap() > 0, "closed after {text:?}");
            }
        })
        .await
        .unwrap()
    }

    /// Everything until the server closes.
    async fn rest(&mut self) -> String {
        timeout(ENOUGH, self.stream.read_to_end(&mut self.read)).await.unwrap().unwrap();
        String::from_utf8_lossy(&std::mem::take(&mut self.read)).into_owned()
    }
}
