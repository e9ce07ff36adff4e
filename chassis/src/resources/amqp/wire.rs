//! What comes from the broker, before the client reads it: names that are no text are made [legible](super::legible).

use std::{
    io::{self, IoSlice, Read, Write},
    net::SocketAddr,
    os::fd::{AsFd, AsRawFd},
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use async_rs::{Runtime, TokioRuntime, traits::Reactor, util::RuntimeParts};
use futures_io::{AsyncRead, AsyncWrite};
use futures_util::Stream;
use lapin::AsyncTcpStream;

use super::legible::{mend, mend_method};

/// What the client runs on: tokio, with connections that are [`Wire`]s.
pub(super) type Ground = Runtime<RuntimeParts<TokioRuntime, Wired>>;

/// A connection as the system has it, with TLS or without.
pub(super) type Bare = AsyncTcpStream<<TokioRuntime as Reactor>::TcpStream>;

/// A connection whose frames can be read by the client.
pub(super) struct Wire<S> {
    stream: S,
    buffer: Box<[u8]>,
    /// From where on it holds what the client does not have yet.
    start: usize,
    /// Up to where that may be handed over: a frame that is looked into is held until it is there as a whole.
    clean: usize,
    end: usize,
    /// How many bytes of the frame that has begun are not looked into.
    passing: usize,
}

/// What a buffer holds: no frame with names is longer, or it is not looked into.
const ROOM: usize = 256 << 10;
/// Type, channel and length of a frame.
const BEFORE: usize = 7;
/// The types of the frames that have names in them.
const METHOD: u8 = 1;
const PROPERTIES: u8 = 2;

impl<S> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, buffer: vec![0; ROOM].into(), start: 0, clean: 0, end: 0, passing: 0 }
    }

    /// Looks at what has come.
    fn look(&mut self) {
        loop {
            let passed = self.passing.min(self.end - self.clean);
            self.clean += passed;
            self.passing -= passed;
            let frame = &mut self.buffer[self.clean..self.end];
            let Some(&[kind, _, _, a, b, c, d]) = frame.first_chunk::<BEFORE>() else { return };
            // With the byte that ends it.
            let length = BEFORE.saturating_add(u32::from_be_bytes([a, b, c, d]) as usize).saturating_add(1);
            if ![METHOD, PROPERTIES].contains(&kind) || length > ROOM {
                self.passing = length;
                continue;
            }
            let Some(frame) = frame.get_mut(BEFORE..length - 1).filter(|_| self.clean + length <= self.end) else {
                return;
            };
            if kind == METHOD {
                mend_method(frame);
            } else {
                mend(frame);
            }
            self.clean += length;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        while this.start == this.clean {
            this.buffer.copy_within(this.start..this.end, 0);
            (this.start, this.clean, this.end) = (0, 0, this.end - this.start);
            let read = ready!(Pin::new(&mut this.stream).poll_read(cx, &mut this.buffer[this.end..]))?;
            if read == 0 {
                // What is there is all that there will be.
                this.clean = this.end;
                break;
            }
            this.end += read;
            this.look();
        }
        let count = into.len().min(this.clean - this.start);
        into[..count].copy_from_slice(&this.buffer[this.start..this.start + count]);
        this.start += count;
        Poll::Ready(Ok(count))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

/// Tokio, whose connections are [`Wire`]s.
#[derive(Debug, Clone)]
pub(super) struct Wired(TokioRuntime);

/// What the client runs on, here.
pub(super) fn ground() -> Ground {
    let tokio = TokioRuntime::tokio_current();
    Runtime::new(RuntimeParts::new(tokio.clone(), Wired(tokio)))
}

impl Reactor for Wired {
    type TcpStream = Wire<Bare>;
    type Sleep = <TokioRuntime as Reactor>::Sleep;

    fn register<H: Read + Write + AsFd + AsRawFd + Send + 'static>(
        &self,
        socket: H,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + 'static> {
        self.0.register(socket)
    }

    fn sleep(&self, duration: Duration) -> Self::Sleep {
        self.0.sleep(duration)
    }

    fn interval(&self, duration: Duration) -> impl Stream<Item = Instant> + Send + 'static {
        self.0.interval(duration)
    }

    fn tcp_connect_addr(
        &self,
        address: SocketAddr,
    ) -> impl Future<Output = io::Result<Self::TcpStream>> + Send + 'static {
        let connecting = self.0.tcp_connect_addr(address);
        async move { Ok(Wire::new(AsyncTcpStream::Plain(connecting.await?))) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::task::Waker;

    use super::*;

    /// Gives so many bytes at a time.
    struct Pieces(Vec<u8>, usize);

    impl AsyncRead for Pieces {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
            let count = self.1.min(self.0.len()).min(into.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0.drain(..count);
            Poll::Ready(Ok(count))
        }
    }

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&[kind, 0, 1], &length[..], payload, &[0xce]].concat()
    }

    /// The frame of a message whose content type is this.
    fn properties(content_type: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content_type.len()).unwrap();
        frame(PROPERTIES, &[&[0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0x80, 0, length], content_type].concat())
    }

    fn read(bytes: Vec<u8>, piece: usize, room: usize) -> Vec<u8> {
        let mut wire = Wire::new(Pieces(bytes, piece));
        let (mut all, mut cx, mut into) = (Vec::new(), Context::from_waker(Waker::noop()), vec![0; room]);
        loop {
            match Pin::new(&mut wire).poll_read(&mut cx, &mut into) {
                Poll::Ready(Ok(0)) => return all,
                Poll::Ready(Ok(count)) => all.extend(&into[..count]),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn names_are_mended_however_the_bytes_come_and_bodies_are_not() {
        let body = frame(3, &[0xff; 300]);
        let sent = [frame(1, b"\xffmethod"), properties(b"no\xfftext"), body.clone(), properties(b"\xfe")].concat();
        let expected = [frame(1, b"\xffmethod"), properties(b"no?text"), body, properties(b"?")].concat();
        for (piece, room) in [(1, 1), (1, 1000), (3, 7), (50, 9), (1000, 1), (1000, 1000)] {
            assert_eq!(read(sent.clone(), piece, room), expected, "{piece} at a time, room for {room}");
        }
    }

    #[test]
    fn what_is_larger_than_the_buffer_or_ends_early_passes() {
        let large = [frame(PROPERTIES, &vec![0xff; 2 * ROOM]), frame(3, &vec![0xfe; 3 * ROOM]), properties(b"\xff")];
        let expected = [&large[0][..], &large[1], &properties(b"?")].concat();
        assert_eq!(read(large.concat(), 100_000, 4096), expected);
        for length in 0..30 {
            let cut = properties(b"no text here")[..length].to_vec();
            assert_eq!(read(cut.clone(), 4, 100), cut);
        }
    }
}
