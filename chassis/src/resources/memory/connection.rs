//! A service at a hub.

use std::{
    fmt, iter,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Map, Value};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    hub::Hub,
    queue::{Entry, Queue},
};
use crate::{
    Context, Health, Result,
    messaging::{
        Failure, Incoming, Outgoing, Pattern,
        engine::{Connection, Consumer, Delivered, Intake, Verdict},
    },
};

/// A service at a hub.
#[derive(Debug)]
pub struct MemoryConnection {
    cx: Context,
    hub: Hub,
    capacity: usize,
    closed: Arc<Closed>,
}

/// Whether anything is taken in.
#[derive(Debug, Default)]
struct Closed {
    /// The same as the token says; to look at that one takes a lock.
    is_closed: AtomicBool,
    token: CancellationToken,
}

/// Takes from one queue.
pub struct MemoryConsumer {
    queue: Arc<Queue>,
    closed: Arc<Closed>,
    /// The hub and the name, for a queue that is nobody else's.
    own: Option<(Hub, Box<str>)>,
}

/// A message that was taken from its queue; dropped, it goes back.
pub struct MemoryDelivered {
    queue: Arc<Queue>,
    message: Arc<Incoming>,
    caller: Option<oneshot::Sender<Incoming>>,
    /// Where it stood in its queue.
    number: u64,
    is_settled: bool,
}

impl MemoryConnection {
    pub(super) fn new(cx: &Context, hub: Hub, capacity: usize) -> Self {
        hub.enter();
        Self { cx: cx.clone(), hub, capacity, closed: Arc::default() }
    }
}

impl Connection for MemoryConnection {
    type Consumer = MemoryConsumer;

    async fn consume(&self, intake: &Intake) -> Result<MemoryConsumer> {
        let Intake { pattern, name, group, .. } = intake;
        let (queue, own) = match pattern {
            Pattern::PublishSubscribe => {
                let queue = self.hub.subscribe(name, group.as_deref(), self.capacity);
                (queue, group.is_none().then(|| (self.hub.clone(), name.clone())))
            }
            Pattern::PushPull | Pattern::RequestResponse => (self.hub.queue(*pattern, name, self.capacity), None),
        };
        queue.is_taken();
        Ok(MemoryConsumer { queue, closed: Arc::clone(&self.closed), own })
    }

    async fn send(&self, pattern: Pattern, name: &str, message: Outgoing, until: Instant) -> Result<()> {
        let message = Incoming::from(message);
        if pattern != Pattern::PublishSubscribe {
            let queue = self.hub.queue(pattern, name, self.capacity);
            return match queue.push(Entry::new(message, None), until).await {
                true => Ok(()),
                false => Err(Failure::NotSent(no_room(self.capacity)).into_error()),
            };
        }
        let mut full = 0;
        let subscribers = self.hub.subscribers(name);
        for (subscriber, message) in subscribers.iter().zip(iter::repeat_n(message, subscribers.len())) {
            let entry = Entry::new(message, None);
            full += usize::from(!subscriber.queue.push(entry, until).await);
        }
        match full {
            0 => Ok(()),
            full => Err(Failure::Unknown(format!("{full} subscribers have {}", no_room(self.capacity))).into_error()),
        }
    }

    async fn request(&self, name: &str, message: Outgoing, until: Instant) -> Result<Incoming> {
        // Who replies may be about to start.
        let queue = self.hub.queue(Pattern::RequestResponse, name, self.capacity);
        let (caller, answer) = oneshot::channel();
        let entry = Entry::new(message.into(), Some(caller));
        if !queue.push(entry, until).await {
            return Err(Failure::NotSent(no_room(self.capacity)).into_error());
        }
        match timeout_at(until, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(Failure::Unknown("who replies has let go of it".to_owned()).into_error()),
            Err(_) if !queue.was_taken() => {
                Err(Failure::Refused("nobody replies under this name".to_owned()).into_error())
            }
            Err(_) => Err(Failure::Unknown("no answer in time".to_owned()).into_error()),
        }
    }

    async fn close(&self) -> Result<()> {
        self.closed.is_closed.store(true, Ordering::Release);
        self.closed.token.cancel();
        Ok(())
    }

    async fn stop(&self) -> Result<()> {
        // Others at the hub take them, and a restart of this resource finds them again.
        let is_last = self.hub.leave() == 0 && self.cx.shutdown().is_triggered();
        let waiting = self.hub.waiting_by_name();
        let waiting: Vec<_> = waiting.iter().map(|(name, count)| format!("{count} in `{name}`")).collect();
        if is_last && !waiting.is_empty() {
            tracing::warn!("messages that wait in memory end with this service: {}", waiting.join(", "));
        }
        Ok(())
    }

    fn health(&self) -> Health {
        Health::pass()
    }

    fn info(&self) -> Map<String, Value> {
        Map::from_iter([("waiting".to_owned(), self.hub.waiting().into())])
    }
}

impl fmt::Debug for MemoryConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryConsumer").field("waiting", &self.queue.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for MemoryDelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryDelivered").field(&self.message).finish()
    }
}

fn no_room(capacity: usize) -> String {
    format!("no room: {capacity} messages wait already")
}

impl Consumer for MemoryConsumer {
    type Delivered = MemoryDelivered;

    async fn next(&mut self) -> Option<Result<MemoryDelivered>> {
        if self.closed.is_closed.load(Ordering::Acquire) {
            return None;
        }
        let Entry { message, caller, number } = match self.queue.try_pop() {
            Ok(entry) => entry,
            // Waiting for the end, too, costs more than a message.
            Err(_) => self.closed.token.run_until_cancelled(self.queue.pop()).await?,
        };
        let (queue, message) = (Arc::clone(&self.queue), Arc::new(message));
        Some(Ok(MemoryDelivered { queue, message, caller, number, is_settled: false }))
    }
}

impl Drop for MemoryConsumer {
    fn drop(&mut self) {
        if let Some((hub, name)) = &self.own {
            hub.unsubscribe(name, &self.queue);
        }
    }
}

impl Delivered for MemoryDelivered {
    fn message(&self) -> &Arc<Incoming> {
        &self.message
    }

    async fn settle(mut self, verdict: Verdict) -> Result<()> {
        self.is_settled = !matches!(verdict, Verdict::Back);
        match verdict {
            Verdict::Done => {}
            Verdict::Answer(answer) => {
                // A caller that has given up is no failure.
                if let Some(caller) = self.caller.take() {
                    let _ = caller.send(answer.into());
                }
            }
            Verdict::Again { after, attempt } => {
                let message = Incoming { attempt, ..(*self.message).clone() };
                let entry = Entry { message, caller: self.caller.take(), number: self.number };
                self.queue.put_later(entry, Instant::now() + after);
            }
            // By being dropped.
            Verdict::Back => {}
        }
        Ok(())
    }
}

impl Drop for MemoryDelivered {
    fn drop(&mut self) {
        if !self.is_settled {
            let message = Incoming { is_redelivered: true, ..(*self.message).clone() };
            self.queue.put_back(Entry { message, caller: self.caller.take(), number: self.number });
        }
    }
}
