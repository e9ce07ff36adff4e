//! A client that respects HTTP, 1.1 or 2, with TLS or without: kept connections, another one when the server says goodbye.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use http_body_util::{BodyExt, Empty};
use hyper::{Request, body::Bytes, client::conn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

type Body = Empty<Bytes>;

/// How a [`Caller`] speaks.
#[derive(Debug, Clone)]
pub struct Speech {
    /// HTTP/2, otherwise 1.1.
    pub is_http2: bool,
    /// The authority, in PEM, that the server's certificate is signed by; without it there is no TLS.
    pub authority: Option<String>,
}

/// What callers saw.
#[derive(Debug, Default)]
pub struct Calls {
    /// Requests that were answered with 200.
    pub answered: AtomicUsize,
    /// Requests that were not.
    pub failed: AtomicUsize,
    /// Connections that were made.
    pub connections: AtomicUsize,
    /// Set when nobody is to call any more.
    pub is_over: AtomicBool,
}

/// Calls over one connection after the other.
#[derive(Debug, Clone)]
pub struct Caller {
    speech: Speech,
    path: &'static str,
    pause: Duration,
}

enum Sender {
    One(conn::http1::SendRequest<Body>),
    Two(conn::http2::SendRequest<Body>),
}

impl Caller {
    /// Asks for this path again and again, with such a pause.
    pub fn new(speech: Speech, path: &'static str, pause: Duration) -> Self {
        Self { speech, path, pause }
    }

    /// Calls wherever the server is, on a thread of its own, until it is over.
    ///
    /// # Panics
    ///
    /// When there is no runtime for it.
    pub fn spawn<'scope>(
        self,
        scope: &'scope thread::Scope<'scope, '_>,
        address: &'scope (dyn Fn() -> SocketAddr + Sync),
        calls: &'scope Calls,
    ) -> thread::ScopedJoinHandle<'scope, ()> {
        scope.spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
            runtime.block_on(self.call(address, calls));
        })
    }

    async fn call(self, address: &(dyn Fn() -> SocketAddr + Sync), calls: &Calls) {
        let mut sender: Option<Sender> = None;
        while !calls.is_over.load(Relaxed) {
            tokio::time::sleep(self.pause).await;
            let target = address();
            let connected = match sender.take() {
                Some(sender) => sender,
                None => match self.connect(target).await {
                    Ok(sender) => {
                        calls.connections.fetch_add(1, Relaxed);
                        sender
                    }
                    // Connected too late to where the server was; where it is has to work.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionRefused && address() != target => continue,
                    Err(error) => {
                        eprintln!("{target}: {error}");
                        calls.failed.fetch_add(1, Relaxed);
                        continue;
                    }
                },
            };
            match self.ask(connected, target).await {
                Ok(Some((200, kept))) => {
                    calls.answered.fetch_add(1, Relaxed);
                    sender = kept;
                }
                // It was never sent: the server had said goodbye.
                Ok(None) => {}
                other => {
                    eprintln!("{target}: {:?}", other.map(|answer| answer.map(|(status, _)| status)));
                    calls.failed.fetch_add(1, Relaxed);
                }
            }
        }
    }

    /// One request: the status, and the connection if it may be used again.
    async fn ask(&self, sender: Sender, target: SocketAddr) -> hyper::Result<Option<(u16, Option<Sender>)>> {
        let host = format!("localhost:{}", target.port());
        let scheme = if self.speech.authority.is_some() { "https" } else { "http" };
        let uri = if self.speech.is_http2 { format!("{scheme}://{host}{}", self.path) } else { self.path.to_owned() };
        let request = Request::get(uri).header("host", host).body(Body::new());
        let request = request.unwrap_or_else(|error| panic!("no request: {error}"));
        let (sent, sender) = match sender {
            Sender::One(mut sender) => {
                if sender.ready().await.is_err() {
                    return Ok(None);
                }
                (sender.try_send_request(request).await, Sender::One(sender))
            }
            Sender::Two(mut sender) => {
                if sender.ready().await.is_err() {
                    return Ok(None);
                }
                (sender.try_send_request(request).await, Sender::Two(sender))
            }
        };
        let answer = match sent {
            Ok(answer) => answer,
            Err(mut failure) => {
                return match failure.take_message() {
                    Some(_) => Ok(None),
                    None => Err(failure.into_error()),
                };
            }
        };
        let status = answer.status().as_u16();
        let is_last = answer.headers().get("connection").is_some_and(|value| value == "close");
        answer.into_body().collect().await?;
        Ok(Some((status, (!is_last).then_some(sender))))
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<Sender> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        match &self.speech.authority {
            None => self.greet(stream).await,
            Some(authority) => {
                let tls = self.tls(authority)?;
                let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
                self.greet(tls.connect(name, stream).await?).await
            }
        }
    }

    async fn greet<S>(&self, stream: S) -> io::Result<Sender>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let stream = TokioIo::new(stream);
        // What a connection ends with is told to who sends on it.
        if self.speech.is_http2 {
            let greeted = conn::http2::handshake(TokioExecutor::new(), stream).await;
            let (sender, connection) = greeted.map_err(io::Error::other)?;
            tokio::spawn(connection);
            Ok(Sender::Two(sender))
        } else {
            let (sender, connection) = conn::http1::handshake(stream).await.map_err(io::Error::other)?;
            tokio::spawn(connection);
            Ok(Sender::One(sender))
        }
    }

    fn tls(&self, authority: &str) -> io::Result<TlsConnector> {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(authority.as_bytes()).map_err(io::Error::other)?;
        roots.add(authority).map_err(io::Error::other)?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().map_err(io::Error::other)?;
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![if self.speech.is_http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
        Ok(TlsConnector::from(Arc::new(config)))
    }
}
