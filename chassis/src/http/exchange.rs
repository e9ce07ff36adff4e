//! One request and its answer, as the connection sees it: it begins with a head and ends with the answer's last byte.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;

use super::Peer;

/// Any error of a body.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a server does with each request.
pub(crate) trait Exchange: Clone + Send + Sync + 'static {
    /// The body of its answers.
    type Body: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static;

    /// Answers a request.
    ///
    /// The future is dropped when the client goes away, or when a stop cuts it off; what shall be finished all the
    /// same goes to [`Peer::finish_in_background`].
    fn call(
        &self,
        request: Request<Incoming>,
        peer: &Arc<Peer>,
    ) -> impl Future<Output = Response<Self::Body>> + Send + 'static;
}

/// Counts an exchange of a connection from its head until it is dropped.
pub(super) struct Turn {
    peer: Arc<Peer>,
}

impl Turn {
    pub(super) fn begin(peer: &Arc<Peer>) -> Self {
        peer.begin_exchange();
        Self { peer: Arc::clone(peer) }
    }

    pub(super) fn peer(&self) -> &Peer {
        &self.peer
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.peer.end_exchange();
    }
}

pin_project! {
    /// The body of an answer, which ends the exchange once hyper lets go of it.
    pub(super) struct Answer<B> {
        #[pin]
        body: B,
        turn: Turn,
    }
}

impl<B> Answer<B> {
    pub(super) fn new(body: B, turn: Turn) -> Self {
        Self { body, turn }
    }
}

impl<B: Body> Body for Answer<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
