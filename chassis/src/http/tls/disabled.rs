//! No TLS: the feature `tls` is not compiled in.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::{TlsInfo, TlsSettings};
use crate::{Error, Health, Result};

/// There is none.
#[derive(Debug)]
pub(in crate::http) struct Tls(Infallible);

/// There is none.
#[derive(Debug)]
pub(in crate::http) struct TlsStream(Infallible);

impl TlsSettings {
    /// Refuses them.
    pub(crate) fn check(&self) -> Result<()> {
        Err(Error::misconfigured(Error::msg("`tls` is set, but TLS is not compiled in; enable the feature `tls`")))
    }
}

impl Tls {
    pub(in crate::http) fn load(_settings: &TlsSettings, path: &str) -> Result<Arc<Self>> {
        let message = format!("`{path}` is set, but TLS is not compiled in; enable the feature `tls`");
        Err(Error::misconfigured(Error::msg(message)))
    }

    pub(in crate::http) async fn accept(&self, _stream: TcpStream) -> io::Result<(TlsStream, TlsInfo)> {
        match self.0 {}
    }

    pub(in crate::http) fn health(&self) -> Health {
        match self.0 {}
    }

    pub(in crate::http) async fn keep_fresh(self: Arc<Self>) {
        match self.0 {}
    }
}

impl TlsStream {
    pub(in crate::http) fn tcp(&self) -> &TcpStream {
        match self.0 {}
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(self: Pin<&mut Self>, _cx: &mut Context<'_>, _buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.0 {}
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(self: Pin<&mut Self>, _cx: &mut Context<'_>, _bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.0 {}
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.0 {}
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.0 {}
    }
}
