//! The life of the status server: from before the first resource starts until after the last one has stopped.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use http::Request;
use hyper::body::Incoming;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout};

use super::{
    StatusSettings,
    address::{Candidates, DEFAULT_PORT, candidates, reachable},
    answer::{Answer, Desk},
};
use crate::{
    Claim, Context, Error, Resource, Result, Slot,
    http::{ConnectionSettings, Exchange, Listener, Peer, Server, Spawner},
    json::object,
    process,
    testing::Http,
};

/// Where the address is set.
const PATH: &str = "system.resources.status";

/// How long the answers on their way may take at the end.
const LAST_ANSWERS: Duration = Duration::from_millis(100);

/// The server of probes, metrics and everything else an operator asks for. Every service has one.
#[derive(Debug, Default)]
pub struct Status {
    server: Slot<Server>,
}

impl Status {
    /// Where it listens, unless it is switched off.
    pub fn address(&self) -> Option<SocketAddr> {
        self.server.get().map(|server| server.address())
    }

    /// A client in the same process, unless it is switched off.
    pub fn http(&self) -> Option<Http> {
        self.server.get().map(|server| Http::new(server.address(), server.client()))
    }
}

impl Resource for Status {
    type Settings = StatusSettings;

    fn claims(&self, settings: &StatusSettings) -> Vec<Claim> {
        // It makes room for others on the machine, but not for what this service starts after it.
        let Candidates { hosts, ports } = candidates(settings, process::is_on_kubernetes());
        let first = hosts.first().zip(ports.first()).filter(|_| settings.enabled);
        first.map(|(host, port)| Claim::tcp(SocketAddr::new(*host, *port), "port")).into_iter().collect()
    }

    async fn pre_start(&self, cx: &Context) -> Result<()> {
        let mut settings = cx.read_settings::<StatusSettings>()?;
        if !settings.enabled {
            return Ok(());
        }
        settings.take_older_names(cx.settings())?;
        // Whoever probes asks again; a stop does not wait for it.
        let limits = ConnectionSettings { idle_hold: Duration::from_millis(5), ..ConnectionSettings::default() };
        let listener = bind(&candidates(&settings, process::is_on_kubernetes()), &limits)?;
        let address = listener.address();
        tracing::info!(%address, "status server: http://{}/", reachable(address));
        let desk = Arc::new(Desk { service: cx.service(), token: settings.token });
        let server = listener.serve(&limits, Window(desk), Spawner::from(cx));
        server.open();
        self.server.set(server);
        Ok(())
    }

    async fn post_stop(&self, _cx: &Context) -> Result<()> {
        if let Some(server) = self.server.take() {
            server.close().await;
            // An answer on its way arrives; a client that does not take it is no reason to stay.
            let _ = timeout(LAST_ANSWERS, server.drain()).await;
            server.stop().await;
        }
        Ok(())
    }

    fn info(&self) -> Map<String, Value> {
        object(self.address().map(|address| ("address", Value::from(address.to_string()))))
    }
}

/// Binds the first candidate that is free.
fn bind(candidates: &Candidates, limits: &ConnectionSettings) -> Result<Listener> {
    let mut refused = None;
    for port in &candidates.ports {
        match bind_port(&candidates.hosts, *port, limits) {
            Ok(listener) => {
                if refused.is_some() {
                    tracing::info!("port {DEFAULT_PORT} of the status server is taken; it is at port {port} instead");
                }
                return Ok(listener);
            }
            Err(error) if is_taken(&error) => refused = refused.or(Some(error)),
            Err(error) => return Err(error),
        }
    }
    Err(refused.unwrap_or_else(|| Error::msg("the status server has no port to listen on")))
}

/// Binds the port on the first interface that the machine knows.
fn bind_port(hosts: &[IpAddr], port: u16, limits: &ConnectionSettings) -> Result<Listener> {
    let mut refused = None;
    for host in hosts {
        match Listener::bind(SocketAddr::new(*host, port), limits, PATH) {
            Ok(listener) => return Ok(listener),
            Err(error) if is_taken(&error) => return Err(error),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.unwrap_or_else(|| Error::msg("the status server has no address to listen on")))
}

fn is_taken(error: &Error) -> bool {
    error.find::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::AddrInUse)
}

/// What connections ask.
#[derive(Clone)]
struct Window(Arc<Desk>);

impl Exchange for Window {
    type Body = http_body_util::Full<bytes::Bytes>;

    fn call(
        &self,
        request: Request<Incoming>,
        peer: &Arc<Peer>,
        _: Instant,
    ) -> impl Future<Output = Answer> + Send + 'static {
        let (head, _body) = request.into_parts();
        std::future::ready(self.0.answer(&head, peer.address().ip()))
    }
}
