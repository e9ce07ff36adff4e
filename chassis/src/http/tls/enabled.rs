//! TLS with what the files hold now.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, Weak},
    task::{Context, Poll},
    time::{SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwap;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use x509_parser::parse_x509_certificate;

use super::{
    ClientCertificate, TlsInfo, TlsSettings,
    certificates::{Loaded, Stamps},
};
use crate::{Error, Health, HealthStatus, Result};

/// The TLS of one server.
#[derive(Debug)]
pub(in crate::http) struct Tls {
    settings: TlsSettings,
    current: ArcSwap<Loaded>,
    files: Mutex<Files>,
}

/// How the files were when they were last looked at.
#[derive(Debug)]
struct Files {
    stamps: Stamps,
    /// Why what they hold now is not in use.
    problem: Option<String>,
}

impl TlsSettings {
    /// Whether the files are there and fit together.
    ///
    /// # Errors
    /// Misconfigured, with the file that is missing or does not fit.
    pub(crate) fn check(&self) -> Result<()> {
        Loaded::read(self).map(drop).map_err(|error| Error::misconfigured(error).context("`tls` does not work"))
    }
}

impl Tls {
    /// Reads the files that `settings`, found at `path`, name.
    ///
    /// # Errors
    /// Misconfigured, with the file that is missing or does not fit.
    pub(in crate::http) fn load(settings: &TlsSettings, path: &str) -> Result<Arc<Self>> {
        let stamps = Stamps::of(settings);
        let loaded = Loaded::read(settings)
            .map_err(|error| Error::misconfigured(error).context(format!("TLS as set at `{path}` does not work")))?;
        let health = loaded.validity.health(now(), settings.warn_before_expiry);
        match health.output() {
            Some(problem) => tracing::warn!(certificate = %settings.certificate.display(), "{problem}"),
            None => tracing::debug!(
                certificate = %settings.certificate.display(),
                "the certificate is valid until {}", loaded.validity.until(),
            ),
        }
        Ok(Arc::new(Self {
            settings: settings.clone(),
            current: ArcSwap::from_pointee(loaded),
            files: Mutex::new(Files { stamps, problem: None }),
        }))
    }

    /// Shakes hands with a client.
    pub(in crate::http) async fn accept(&self, stream: TcpStream) -> io::Result<(TlsStream, TlsInfo)> {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.current.load().config));
        let handshake = async {
            let mut first = [0];
            stream.peek(&mut first).await?;
            if first[0].is_ascii_uppercase() {
                refuse_clear_text(stream).await;
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the client does not speak TLS"));
            }
            acceptor.accept(stream).await
        };
        let stream = match timeout(self.settings.handshake_timeout, handshake).await {
            Ok(result) => result?,
            Err(_elapsed) => return Err(io::Error::new(io::ErrorKind::TimedOut, "the handshake took too long")),
        };
        let info = info(&stream);
        Ok((TlsStream(Box::new(stream)), info))
    }

    /// Whether the certificate is valid for long enough, and the files are those in use.
    pub(in crate::http) fn health(&self) -> Health {
        let health = self.current.load().validity.health(now(), self.settings.warn_before_expiry);
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        match &files.problem {
            Some(problem) if health.status() != HealthStatus::Fail => Health::warn(problem),
            _ => health,
        }
    }

    /// Looks at the files again and again until nobody else uses this.
    pub(in crate::http) async fn keep_fresh(self: Arc<Self>) {
        let interval = self.settings.reload_interval;
        let server: Weak<Self> = Arc::downgrade(&self);
        drop(self);
        loop {
            sleep(interval).await;
            let Some(tls) = server.upgrade() else { return };
            tls.refresh();
        }
    }

    /// Takes what the files hold if they have changed, and all of it fits.
    ///
    /// They are small and local, so they are read right here.
    fn refresh(&self) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = Stamps::of(&self.settings);
        // Certificate and key change one after the other: what does not fit yet is tried again.
        if stamps == files.stamps && files.problem.is_none() {
            return;
        }
        files.stamps = stamps;
        match Loaded::read(&self.settings) {
            Ok(loaded) => {
                tracing::info!(
                    certificate = %self.settings.certificate.display(),
                    "took the changed certificate, valid until {}", loaded.validity.until(),
                );
                self.current.store(Arc::new(loaded));
                files.problem = None;
            }
            Err(error) => {
                let problem = format!("the changed TLS files are not used, those before stay in use: {error:#}");
                if files.problem.as_ref() != Some(&problem) {
                    tracing::error!("{problem}");
                    files.problem = Some(problem);
                }
            }
        }
    }
}

/// What a client gets that speaks HTTP where TLS is spoken.
const SPEAK_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: text/plain\r\n\
    content-length: 46\r\n\r\nthis port speaks https, the request was http\r\n";

/// Best effort, for people who try out a URL; the caller limits the time.
async fn refuse_clear_text(mut stream: TcpStream) {
    if stream.write_all(SPEAK_TLS).await.is_ok() && stream.shutdown().await.is_ok() {
        // Closed with something unread, the answer would be lost.
        let mut request = [0; 4096];
        while stream.read(&mut request).await.is_ok_and(|bytes| bytes > 0) {}
    }
}

fn info(stream: &tokio_rustls::server::TlsStream<TcpStream>) -> TlsInfo {
    let (_, connection) = stream.get_ref();
    let certificate = connection.peer_certificates().and_then(<[_]>::first);
    let client = certificate.map(|der| ClientCertificate {
        subject: parse_x509_certificate(der).map(|(_, it)| it.subject().to_string()).unwrap_or_default().into(),
        der: der.to_vec().into(),
    });
    TlsInfo {
        version: connection.protocol_version().and_then(|version| version.as_str()).unwrap_or("TLS"),
        is_http2: connection.alpn_protocol() == Some(b"h2"),
        server_name: connection.server_name().map(Into::into),
        client,
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// An encrypted connection.
#[derive(Debug)]
pub(in crate::http) struct TlsStream(Box<tokio_rustls::server::TlsStream<TcpStream>>);

impl TlsStream {
    /// The connection below.
    pub(in crate::http) fn tcp(&self) -> &TcpStream {
        self.0.get_ref().0
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_shutdown(cx)
    }
}
