//! A time limit for an exchange that arms no timer of its own where the connection has one.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::time::{Instant, Sleep, sleep_until};

use super::Peer;

/// Tells an exchange when its time is up.
///
/// An HTTP/1 connection has one exchange at a time and one timer, which this borrows; the streams of HTTP/2 run in
/// tasks of their own and get a timer each, once they have to wait.
pub(crate) struct Deadline {
    peer: Arc<Peer>,
    at: Instant,
    state: State,
}

enum State {
    New,
    Borrowed,
    Own(Pin<Box<Sleep>>),
}

impl Deadline {
    /// Costs nothing until [`poll_passed`](Deadline::poll_passed).
    pub(crate) fn at(peer: &Arc<Peer>, at: Instant) -> Self {
        Self { peer: Arc::clone(peer), at, state: State::New }
    }

    /// Ready once the time is up; to be called by the future of the exchange itself, after what it waits for was
    /// pending.
    pub(crate) fn poll_passed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut self.state {
                State::New if self.peer.is_http2() => self.state = State::Own(Box::pin(sleep_until(self.at))),
                State::New => {
                    self.peer.set_deadline(self.at);
                    self.state = State::Borrowed;
                }
                State::Borrowed if self.peer.is_past_deadline() => return Poll::Ready(()),
                State::Borrowed => return Poll::Pending,
                State::Own(sleep) => return sleep.as_mut().poll(cx),
            }
        }
    }
}
