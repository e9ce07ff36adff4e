//! The body of a request on its way to the handler: counted, limited, decompressed.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::{
    content::{InflateError, Inflater},
    problem::Problem,
};

/// The most compressed bytes that are looked at in one go.
const SLICE: usize = 4096;

/// What became of a body so far; shared by the body and by whoever tells about the request.
#[derive(Debug)]
pub(super) struct Flow {
    limit: u64,
    received: AtomicU64,
    state: AtomicU8,
}

/// How far the reading of a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum FlowState {
    /// Nobody reads at the moment.
    Idle = 0,
    /// The handler waits for the client.
    Waiting = 1,
    /// Read to its end.
    Complete = 2,
    /// Longer than allowed, also when decompressed.
    TooLarge = 3,
    /// Said to be gzip, and is not.
    Malformed = 4,
    /// The client is gone, or broke the protocol.
    Broken = 5,
}

impl Flow {
    /// Nothing came yet; more than `limit` bytes are refused.
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, received: AtomicU64::new(0), state: AtomicU8::new(FlowState::Idle as u8) }
    }

    /// Bytes that came in, before decompression.
    pub(super) fn received(&self) -> u64 {
        self.received.load(Relaxed)
    }

    pub(super) fn state(&self) -> FlowState {
        match self.state.load(Relaxed) {
            0 => FlowState::Idle,
            1 => FlowState::Waiting,
            2 => FlowState::Complete,
            3 => FlowState::TooLarge,
            4 => FlowState::Malformed,
            _ => FlowState::Broken,
        }
    }

    fn set(&self, state: FlowState) {
        self.state.store(state as u8, Relaxed);
    }

    /// The problem that reading has run into, whatever an extractor makes of it.
    pub(super) fn problem(&self) -> Option<Problem> {
        match self.state() {
            FlowState::TooLarge => Some(too_large(self.limit)),
            FlowState::Malformed => Some(Problem::bad_request("the body is not the gzip it is said to be")),
            FlowState::Broken => Some(Problem::bad_request("the body ended early")),
            FlowState::Idle | FlowState::Waiting | FlowState::Complete => None,
        }
    }
}

/// The problem of a body that is longer than allowed, with the limit in bytes.
pub(super) fn too_large(limit: u64) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE)
        .detail(format!("the body is longer than the {limit} bytes that are allowed here"))
        .with("limit", limit)
}

/// How a body is to be read.
#[derive(Clone)]
pub(super) struct Reading {
    pub(super) flow: Arc<Flow>,
    pub(super) is_gzip: bool,
}

/// A request's body within its limit.
pub(super) struct RequestBody<B = Incoming> {
    inner: B,
    flow: Arc<Flow>,
    /// How many more bytes may come.
    left: u64,
    inflater: Option<Inflater>,
    /// Received, not decompressed yet.
    compressed: Bytes,
    is_done: bool,
}

impl<B> RequestBody<B> {
    pub(super) fn new(inner: B, reading: Reading) -> Self {
        let Reading { flow, is_gzip } = reading;
        let limit = flow.limit;
        let inflater = is_gzip.then(|| Inflater::new(limit));
        // Gzip adds a few bytes to what cannot be compressed.
        let left = if is_gzip { limit.saturating_add(1024) } else { limit };
        Self { inner, flow, left, inflater, compressed: Bytes::new(), is_done: false }
    }

    /// Decompresses a little of what is there; `None` when there is nothing.
    fn inflate(&mut self) -> Option<Result<Bytes, BodyError>> {
        let inflater = self.inflater.as_mut().filter(|_| !self.compressed.is_empty())?;
        let slice = self.compressed.split_to(self.compressed.len().min(SLICE));
        Some(inflater.write(&slice).map_err(BodyError::from))
    }

    fn fail(&mut self, error: BodyError) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.is_done = true;
        self.flow.set(match &error {
            BodyError::TooLarge => FlowState::TooLarge,
            BodyError::Malformed => FlowState::Malformed,
            BodyError::Broken(_) => FlowState::Broken,
        });
        Poll::Ready(Some(Err(error)))
    }

    /// Takes what came in; a body that is sent as it is has no more to be done to it.
    fn receive(&mut self, data: Bytes) -> Result<Option<Bytes>, BodyError> {
        let length = u64::try_from(data.remaining()).unwrap_or(u64::MAX);
        self.flow.received.fetch_add(length, Relaxed);
        self.left = self.left.checked_sub(length).ok_or(BodyError::TooLarge)?;
        if self.inflater.is_some() {
            self.compressed = data;
            return Ok(None);
        }
        Ok(Some(data))
    }
}

impl<B> Body for RequestBody<B>
where
    B: Body<Data = Bytes, Error: Into<crate::http::BoxError>> + Unpin,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        loop {
            match this.inflate() {
                Some(Ok(data)) if data.is_empty() => continue,
                Some(Ok(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Some(Err(error)) => return this.fail(error),
                None if this.is_done => return Poll::Ready(None),
                None => {}
            }
            match Pin::new(&mut this.inner).poll_frame(cx) {
                Poll::Pending => {
                    this.flow.set(FlowState::Waiting);
                    return Poll::Pending;
                }
                Poll::Ready(Some(Ok(frame))) => {
                    this.flow.set(FlowState::Idle);
                    let Ok(data) = frame.into_data() else { continue };
                    match this.receive(data) {
                        Ok(Some(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                        Ok(None) => {}
                        Err(error) => return this.fail(error),
                    }
                }
                Poll::Ready(Some(Err(error))) => return this.fail(BodyError::Broken(error.into())),
                Poll::Ready(None) => {
                    this.is_done = true;
                    match this.inflater.as_mut().map(Inflater::finish) {
                        Some(Err(error)) => return this.fail(error.into()),
                        Some(Ok(rest)) if !rest.is_empty() => {
                            this.flow.set(FlowState::Complete);
                            return Poll::Ready(Some(Ok(Frame::data(rest))));
                        }
                        _ => this.flow.set(FlowState::Complete),
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_done && self.compressed.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.inflater {
            Some(_) => SizeHint::default(),
            None => self.inner.size_hint(),
        }
    }
}

/// Why a body cannot be read.
#[derive(Debug)]
pub(super) enum BodyError {
    TooLarge,
    Malformed,
    Broken(crate::http::BoxError),
}

impl From<InflateError> for BodyError {
    fn from(error: InflateError) -> Self {
        match error {
            InflateError::TooLarge => Self::TooLarge,
            InflateError::Malformed => Self::Malformed,
        }
    }
}

impl std::fmt::Display for BodyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the body is longer than allowed",
            Self::Malformed => "the body is not the gzip it is said to be",
            Self::Broken(_) => "the body ended early",
        })
    }
}

impl std::error::Error for BodyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Broken(error) => Some(error.as_ref()),
            Self::TooLarge | Self::Malformed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use futures_util::stream;
    use http_body_util::{BodyExt, StreamBody};

    use super::{super::content::compress, *};

    async fn read(chunks: Vec<Bytes>, limit: u64, is_gzip: bool) -> (Option<Vec<u8>>, FlowState, u64) {
        let flow = Arc::new(Flow::new(limit));
        let frames = chunks.into_iter().map(|chunk| Ok::<_, std::io::Error>(Frame::data(chunk)));
        let inner = StreamBody::new(stream::iter(frames));
        let body = RequestBody::new(inner, Reading { flow: Arc::clone(&flow), is_gzip }).collect().await;
        (body.ok().map(|body| body.to_bytes().into()), flow.state(), flow.received())
    }

    fn chunks(body: &[u8]) -> Vec<Bytes> {
        body.chunks(5).map(Bytes::copy_from_slice).collect()
    }

    #[tokio::test]
    async fn a_body_is_counted_and_ends_at_its_limit() {
        assert_eq!(
            read(chunks(b"hello world"), 11, false).await,
            (Some(b"hello world".into()), FlowState::Complete, 11)
        );
        let (body, state, received) = read(chunks(b"hello world!"), 11, false).await;
        assert_eq!((body, state), (None, FlowState::TooLarge));
        assert_eq!(received, 12);
    }

    #[tokio::test]
    async fn gzip_is_decompressed_within_the_same_limit() {
        let body = vec![7; 100_000];
        let compressed = compress(&body);
        let sent = compressed.len() as u64;
        assert_eq!(read(chunks(&compressed), 100_000, true).await, (Some(body), FlowState::Complete, sent));
        assert_eq!(read(chunks(&compressed), 99_999, true).await.1, FlowState::TooLarge);
        assert_eq!(read(chunks(b"no gzip at all"), 100, true).await.1, FlowState::Malformed);
    }

    #[tokio::test]
    async fn a_client_that_breaks_off_is_noticed() {
        let flow = Arc::new(Flow::new(10));
        let frames = stream::iter([Ok(Frame::data(Bytes::from_static(b"x"))), Err(std::io::Error::other("gone"))]);
        let body = RequestBody::new(StreamBody::new(frames), Reading { flow: Arc::clone(&flow), is_gzip: false });
        assert!(body.collect().await.is_err());
        assert_eq!(flow.state(), FlowState::Broken);
    }
}
