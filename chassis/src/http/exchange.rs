//! One request and its answer, as the connection sees it: it begins with a head and ends with the answer's last byte.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::Peer;

/// Any error of a body.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a server does with each request.
pub(crate) trait Exchange: Clone + Send + Sync + 'static {
    /// The body of its answers.
    type Body: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static;

    /// Answers a request whose head was complete at `began`.
    ///
    /// The future is dropped when the client goes away, or when a stop cuts it off; what shall be finished all the
    /// same goes to [`Peer::finish_in_background`].
    fn call(
        &self,
        request: Request<Incoming>,
        peer: &Arc<Peer>,
        began: Instant,
    ) -> impl Future<Output = Response<Self::Body>> + Send + 'static;
}

/// Counts an exchange of a connection from its head until it is dropped.
struct Turn {
    peer: Arc<Peer>,
    number: u64,
    /// Whether the answer waits for its client, on HTTP/2.
    is_waiting: bool,
}

impl Turn {
    /// Notes whether hyper has taken a part of the answer and not asked for more yet: then it waits for the client.
    ///
    /// The streams of HTTP/2 wait each on its own; on HTTP/1 it is the socket that waits.
    fn note(&mut self, is_waiting: bool) {
        if self.peer.is_http2() && (is_waiting || self.is_waiting) {
            self.peer.set_waiting(self.number, is_waiting);
            self.is_waiting = is_waiting;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.note(false);
        self.peer.end_exchange();
    }
}

/// Runs one exchange, and says goodbye in its answer once the connection is closing.
pub(super) fn run<E: Exchange>(
    exchange: &E,
    peer: &Arc<Peer>,
    request: Request<Incoming>,
) -> Run<impl Future<Output = Response<E::Body>> + Send + 'static> {
    let now = Instant::now();
    peer.begin_exchange(!request.body().is_end_stream(), now);
    let turn = Turn { peer: Arc::clone(peer), number: peer.requests(), is_waiting: false };
    Run { answer: exchange.call(request, peer, now), turn: Some(turn) }
}

pin_project! {
    /// An exchange up to its answer. By hand, for an `async` block would move what it awaits once more.
    pub(super) struct Run<F> {
        #[pin]
        answer: F,
        turn: Option<Turn>,
    }
}

impl<F: Future<Output = Response<B>>, B> Future for Run<F> {
    type Output = Result<Response<Answer<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (mut head, body) = ready!(this.answer.poll(cx)).into_parts();
        let turn = this.turn.take();
        let says_close = turn.as_ref().is_some_and(|turn| turn.peer.is_last_exchange());
        if says_close && head.status != StatusCode::SWITCHING_PROTOCOLS {
            head.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(Ok(Response::from_parts(head, Answer { body, turn })))
    }
}

pin_project! {
    /// The body of an answer, which ends the exchange once hyper lets go of it.
    pub(super) struct Answer<B> {
        #[pin]
        body: B,
        turn: Option<Turn>,
    }
}

impl<B: Body> Body for Answer<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let frame = this.body.poll_frame(cx);
        if let Some(turn) = this.turn {
            turn.note(matches!(frame, Poll::Ready(Some(Ok(_)))));
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
