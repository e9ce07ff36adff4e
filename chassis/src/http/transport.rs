//! What a connection reads from and writes to, and the notes it takes for its [`Peer`].

use std::{
    io, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf},
    net::TcpStream,
    time::timeout,
};

use super::{Peer, connections::Registration, tls::TlsStream};

/// How long a last word may take to be sent.
const LAST_WORD: Duration = Duration::from_millis(100);

/// The bytes of one connection. It is registered with its server until this is dropped, upgraded or not.
pub(super) struct Transport {
    stream: Stream,
    /// Bytes that were read before hyper asked.
    prefix: Bytes,
    peer: Arc<Peer>,
    _registration: Registration,
}

/// Where the bytes come from.
pub(super) enum Stream {
    Tcp(TcpStream),
    Tls(TlsStream),
    /// A client in the same process.
    Memory(DuplexStream),
}

impl Transport {
    pub(super) fn new(stream: Stream, registration: Registration) -> Self {
        let peer = Arc::clone(registration.peer());
        Self { stream, prefix: Bytes::new(), peer, _registration: registration }
    }

    /// Puts bytes back that were read already.
    pub(super) fn unread(&mut self, bytes: Bytes) {
        self.prefix = bytes;
    }

    /// Whether the client has sent something that nobody has read, whatever the runtime has noticed so far.
    pub(super) fn has_unread(&self) -> bool {
        let stream = match &self.stream {
            Stream::Tcp(stream) => stream,
            Stream::Tls(stream) => stream.tcp(),
            Stream::Memory(_) => return false,
        };
        let mut byte = [mem::MaybeUninit::uninit()];
        socket2::SockRef::from(stream).peek(&mut byte).is_ok_and(|bytes| bytes > 0)
    }

    /// Writes what goes out at once, and closes: a last word to a client that may not listen.
    pub(super) async fn end_with(&mut self, bytes: &[u8]) {
        let end = async {
            // A client that is gone is not told.
            let _ = self.write_all(bytes).await;
            let _ = self.shutdown().await;
        };
        // One that takes nothing is not waited for.
        let _ = timeout(LAST_WORD, end).await;
    }
}

impl AsyncRead for Transport {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.prefix.is_empty() {
            let bytes = this.prefix.len().min(buf.remaining());
            buf.put_slice(&this.prefix[..bytes]);
            this.prefix.advance(bytes);
            this.peer.on_read(bytes);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(match &mut this.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Memory(stream) => Pin::new(stream).poll_read(cx, buf),
        })?;
        this.peer.on_read(buf.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Memory(stream) => Pin::new(stream).poll_write(cx, bytes),
        };
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bytes),
            Stream::Memory(stream) => Pin::new(stream).poll_write_vectored(cx, bytes),
        };
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Tcp(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
            Stream::Memory(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Memory(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Memory(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl Transport {
    fn note(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(result) => self.peer.on_write(Some(*result.as_ref().unwrap_or(&0))),
            Poll::Pending => self.peer.on_write(None),
        }
        written
    }
}
