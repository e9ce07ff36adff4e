//! Hands over what has arrived.

use std::{future::pending, pin::Pin, sync::Arc};

use tokio::{
    sync::{futures::OwnedNotified, mpsc},
    time::{Instant, sleep_until},
};
use tokio_util::sync::{DropGuard, WaitForCancellationFutureOwned};

use super::{
    arrival::{Arrived, Call},
    held::Held,
};
use crate::{
    Result,
    messaging::{
        Incoming,
        engine::{Consumer, Delivered, Verdict},
    },
};

/// Takes messages for one handler.
#[derive(Debug)]
pub struct ZmqConsumer {
    inbox: mpsc::Receiver<Arrived>,
    held: Arc<Held>,
    /// Something came back; kept, because to begin to wait anew for each message can be measured.
    news: Pin<Box<OwnedNotified>>,
    /// The end is near.
    closing: Pin<Box<WaitForCancellationFutureOwned>>,
    /// At the end it waits for what is on its way; requests are refused instead.
    takes_the_rest: bool,
    /// More than that do not come back before others are taken.
    most_held: usize,
    /// Ends the socket with the consumer.
    _socket: DropGuard,
}

/// A message that was handed over; dropped, it comes back.
#[derive(Debug)]
pub struct ZmqDelivered {
    call: Call,
    is_settled: bool,
    held: Arc<Held>,
}

impl ZmqConsumer {
    pub(super) fn new(
        inbox: mpsc::Receiver<Arrived>,
        held: Held,
        takes_the_rest: bool,
        most_held: usize,
        socket: DropGuard,
    ) -> Self {
        let closing = Box::pin(held.closing.clone().cancelled_owned());
        let news = Box::pin(Arc::clone(&held.news).notified_owned());
        Self { inbox, held: Arc::new(held), news, closing, takes_the_rest, most_held, _socket: socket }
    }

    fn delivered(&self, call: impl Into<Call>) -> ZmqDelivered {
        ZmqDelivered { call: call.into(), is_settled: false, held: Arc::clone(&self.held) }
    }
}

impl Consumer for ZmqConsumer {
    type Delivered = ZmqDelivered;

    /// Once nothing is taken in any more, what has been sent is still handed over: there is nobody to give it back to.
    async fn next(&mut self) -> Option<Result<ZmqDelivered>> {
        loop {
            if self.held.len() == 0
                && let Ok(arrived) = self.inbox.try_recv()
            {
                return Some(Ok(self.delivered(arrived)));
            }
            let is_end = self.held.closing.is_cancelled();
            let due = match self.held.take(is_end) {
                Ok(call) => return Some(Ok(self.delivered(call))),
                Err(due) => due,
            };
            if is_end {
                // The sockets end soon, and the inbox with them.
                let rest = if self.takes_the_rest { self.inbox.recv().await } else { self.inbox.try_recv().ok() };
                return rest.map(|arrived| Ok(self.delivered(arrived)));
            }
            let has_room = self.held.len() < self.most_held;
            tokio::select! {
                biased;
                arrived = self.inbox.recv(), if has_room => return arrived.map(|arrived| Ok(self.delivered(arrived))),
                () = &mut self.news => self.news.set(Arc::clone(&self.held.news).notified_owned()),
                () = &mut self.closing => {}
                () = rested(due) => {}
            }
        }
    }
}

/// Waits until then; without a time, for ever.
async fn rested(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}

impl Delivered for ZmqDelivered {
    fn message(&self) -> &Arc<Incoming> {
        &self.call.message
    }

    async fn settle(mut self, verdict: Verdict) -> Result<()> {
        self.is_settled = true;
        let Call { message, reply } = &mut self.call;
        match verdict {
            Verdict::Done => {}
            Verdict::Answer(answer) => {
                if let Some(reply) = reply.take() {
                    reply.answer(&answer);
                }
            }
            Verdict::Again { .. } | Verdict::Back if self.held.closing.is_cancelled() => self.held.lose(),
            Verdict::Again { after, attempt } => {
                let message = Arc::new(Incoming { attempt, ..(**message).clone() });
                self.held.rest(Call { message, reply: reply.take() }, Instant::now() + after);
            }
            Verdict::Back => self.held.put_back(Call { message: Arc::clone(message), reply: reply.take() }),
        }
        Ok(())
    }
}

impl Drop for ZmqDelivered {
    fn drop(&mut self) {
        if !self.is_settled {
            let Call { message, reply } = &mut self.call;
            let message = Arc::new(Incoming { is_redelivered: true, ..(**message).clone() });
            self.held.put_back(Call { message, reply: reply.take() });
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::{
        pin::pin,
        sync::atomic::{AtomicBool, Ordering},
        task::{Context, Poll, Wake, Waker},
    };

    use bytes::Bytes;
    use tokio_util::sync::CancellationToken;

    use super::*;

    /// A task that waits.
    #[derive(Default)]
    struct Task(AtomicBool);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    fn arrived() -> Arrived {
        Arrived::parse(&Bytes::from_static(b"\x81\xa4args\x07")).unwrap()
    }

    fn consumer(closing: &CancellationToken) -> (mpsc::Sender<Arrived>, ZmqConsumer) {
        let (inbox, arrivals) = mpsc::channel(1);
        let socket = CancellationToken::new().drop_guard();
        (inbox, ZmqConsumer::new(arrivals, Held::new(closing.clone(), Arc::default()), false, 1, socket))
    }

    #[tokio::test]
    async fn whoever_waits_now_is_woken_and_not_who_waited_before() {
        let closing = CancellationToken::new();
        let (inbox, mut consumer) = consumer(&closing);
        let held = Arc::clone(&consumer.held);
        let come: [(&dyn Fn(), bool); 4] = [
            (&|| held.put_back(arrived().into()), true),
            (&|| inbox.try_send(arrived()).unwrap(), true),
            (&|| held.put_back(arrived().into()), true),
            (&|| closing.cancel(), false),
        ];
        for (come, is_message) in come {
            let tasks: [Arc<Task>; 2] = Default::default();
            let wakers = tasks.clone().map(Waker::from);
            assert!(pin!(consumer.next()).poll(&mut Context::from_waker(&wakers[0])).is_pending());
            let mut next = pin!(consumer.next());
            assert!(next.as_mut().poll(&mut Context::from_waker(&wakers[1])).is_pending());
            come();
            assert_eq!(tasks.map(|task| task.0.load(Ordering::Relaxed)), [false, true]);
            let Poll::Ready(taken) = next.poll(&mut Context::from_waker(&wakers[1])) else {
                panic!("it waits, although it was woken");
            };
            assert_eq!(taken.is_some(), is_message);
            if let Some(taken) = taken {
                taken.unwrap().settle(Verdict::Done).await.unwrap();
            }
        }
    }
}
