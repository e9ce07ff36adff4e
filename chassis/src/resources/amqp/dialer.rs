//! Makes connections.

use std::{
    fs, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use lapin::{
    AsyncTcpStream, ConnectionProperties,
    tcp::{OwnedIdentity, OwnedTLSConfig},
    uri::AMQPScheme,
};
use socket2::{SockRef, Socket};
use tokio::time::timeout;

use super::{
    address::Address,
    failure::{cause, words},
    session::{Session, Told},
    settings::{AmqpSettings, AmqpTlsSettings},
    wire::{Bare, Wire, ground},
};
use crate::{Cause, Context, Error, Result};

/// Makes connections to one of several brokers.
pub(super) struct Dialer {
    addresses: Vec<Address>,
    /// The addresses were set as such, and not by their parts.
    has_urls: bool,
    tls: Option<AmqpTlsSettings>,
    timeout: Duration,
    /// What the broker's own tools show of a connection.
    service: Box<str>,
    told: Arc<Told>,
}

impl Dialer {
    /// # Errors
    /// Misconfigured, when an address is none.
    pub(super) fn new(cx: &Context, settings: &AmqpSettings) -> Result<Self> {
        let addresses = Address::all(settings)?;
        let (tls, timeout) = (settings.tls.clone(), settings.connection_timeout);
        let has_urls = !settings.urls.is_empty();
        Ok(Self { addresses, has_urls, tls, timeout, service: cx.service_name().into(), told: Arc::default() })
    }

    /// Connects to the first broker that can be reached.
    ///
    /// # Errors
    /// What is wrong with each of them; misconfigured only if all of them are.
    ///
    /// # Cancel safety
    /// An attempt that is dropped ends by itself.
    pub(super) async fn dial(&self, role: &'static str) -> Result<Session> {
        let mut failures: Vec<(Cause, String)> = Vec::new();
        for address in &self.addresses {
            match self.attempt(address, role).await {
                Ok(session) => return Ok(session),
                Err((cause, why)) => failures.push((cause, format!("{address}: {why}"))),
            }
        }
        let is_hopeless = failures.iter().all(|(cause, _)| *cause == Cause::Misconfigured);
        let cause = if is_hopeless { Cause::Misconfigured } else { Cause::Unavailable };
        let failures: Vec<_> = failures.into_iter().map(|(_, why)| why).collect();
        let said_by = match (self.has_urls, is_hopeless) {
            (true, _) => "`urls`",
            (false, true) => "`user`, `password`, `vhost` and `tls`",
            (false, false) => "`host` and `port`",
        };
        Err(Error::msg(format!("{}; see its settings {said_by}", failures.join("; "))).with_cause(cause))
    }

    async fn attempt(&self, address: &Address, role: &'static str) -> Result<Session, (Cause, String)> {
        let tls = match address.uri().scheme {
            AMQPScheme::AMQPS => Some(self.certificates().map_err(|why| (Cause::Misconfigured, why))?),
            AMQPScheme::AMQP => None,
        };
        let properties = ConnectionProperties::default()
            .with_connection_name(format!("{} ({role})", self.service).into())
            .with_client_property("product".into(), "chassis".into());
        let runtime = lapin::runtime::default_runtime().map_err(|error| (Cause::Crashed, words(&error)))?;
        let held: Arc<Mutex<Option<Socket>>> = Arc::default();
        let (holder, limit, reactor) = (Arc::clone(&held), self.timeout, runtime);
        // It runs on the thread of the connection, which nobody else can end: it ends by itself, or by its socket.
        let connect = async move |uri: lapin::uri::AMQPUri, _| {
            let connecting = async {
                let place = (uri.authority.host.as_str(), uri.authority.port);
                let places: Vec<_> = tokio::net::lookup_host(place).await?.collect();
                let stream = Bare::connect(&reactor, places).await?;
                if let Bare::Plain(plain) = &stream {
                    let socket = SockRef::from(plain.get_ref()).try_clone()?;
                    *holder.lock().unwrap_or_else(PoisonError::into_inner) = Some(socket);
                }
                let stream = match &tls {
                    Some(tls) => stream.into_tls(&uri.authority.host, tls.as_ref()).await?,
                    None => stream,
                };
                Ok::<_, io::Error>(AsyncTcpStream::Plain(Wire::new(stream)))
            };
            let connected = timeout(limit, connecting).await;
            connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(lapin::Error::from)
        };
        let connecting = lapin::Connection::connector(address.uri(), ground(), connect, properties);
        let connected = timeout(self.timeout + Duration::from_millis(100), connecting).await;
        let socket = held.lock().unwrap_or_else(PoisonError::into_inner).take();
        match connected {
            Ok(Ok(connection)) => Ok(Session::new(connection, socket, Arc::clone(&self.told))),
            Ok(Err(error)) => Err((cause(&error), words(&error))),
            Err(_) => {
                if let Some(socket) = socket {
                    let _ = socket.shutdown(std::net::Shutdown::Both);
                }
                Err((Cause::Unavailable, format!("no answer within {:?}", self.timeout)))
            }
        }
    }

    /// Reads the files anew for each connection: certificates are replaced while a service runs.
    fn certificates(&self) -> Result<OwnedTLSConfig, String> {
        let Some(AmqpTlsSettings { ca, certificate, key }) = &self.tls else { return Ok(OwnedTLSConfig::default()) };
        let cert_chain = ca.as_deref().map(read).transpose()?;
        let cert_chain = cert_chain.map(|pem| String::from_utf8_lossy(&pem).into_owned());
        let identity = match (certificate, key) {
            (Some(certificate), Some(key)) => Some(OwnedIdentity::PKCS8 { pem: read(certificate)?, key: read(key)? }),
            (None, None) => None,
            _ => return Err("`tls.certificate` and `tls.key` go together, and only one of them is set".to_owned()),
        };
        Ok(OwnedTLSConfig { identity, cert_chain })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("`{}` cannot be read: {error}", path.display()))
}
