//! What happened to a service, as typed events: logs, the status page and tests read the same ones.

mod words;

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::{sync::broadcast, time::Instant};

use super::Phase;
use crate::{
    error::Cause,
    resource::{HealthStatus, State},
};

/// How many events are kept.
const RING: usize = 1024;

/// Something that happened, and when.
#[derive(Debug, Clone)]
pub struct Event {
    /// The time of day.
    pub at: SystemTime,
    /// The time since the service began to start.
    pub uptime: Duration,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum EventKind {
    /// All steps of a phase are done.
    Phase {
        /// The phase.
        phase: Phase,
        /// How long all of it took.
        took: Duration,
        /// How many steps failed.
        failed: usize,
    },
    /// One resource did its part of a phase.
    Step {
        /// The resource.
        resource: &'static str,
        /// The phase.
        phase: Phase,
        /// How long it took, retries included.
        took: Duration,
        /// Why it failed.
        error: Option<String>,
    },
    /// A hook of the service ran.
    Hook {
        /// The method.
        hook: &'static str,
        /// How long it took.
        took: Duration,
        /// Why it failed.
        error: Option<String>,
    },
    /// A resource changed its state.
    State {
        /// The resource.
        resource: &'static str,
        /// The state before.
        from: State,
        /// The state now.
        to: State,
    },
    /// A running resource failed or lost its peer.
    Failed {
        /// The resource.
        resource: &'static str,
        /// Whose fault it is.
        cause: Cause,
        /// What happened.
        error: String,
    },
    /// A resource is about to be restarted.
    Restarting {
        /// The resource.
        resource: &'static str,
        /// How many restarts it has had, this one included.
        restarts: u64,
        /// How long it waits first.
        delay: Duration,
    },
    /// The health of a resource changed.
    Health {
        /// The resource.
        resource: &'static str,
        /// The grade now.
        status: HealthStatus,
        /// Why.
        output: Option<String>,
    },
    /// A task, timer or thread began.
    TaskStarted {
        /// Its name.
        task: &'static str,
    },
    /// A task, timer or thread ended, or one tick of a timer failed.
    TaskEnded {
        /// Its name.
        task: &'static str,
        /// Why it failed.
        error: Option<String>,
    },
    /// A task is about to be restarted.
    TaskRestarting {
        /// Its name.
        task: &'static str,
        /// How many restarts it has had, this one included.
        restarts: u64,
        /// How long it waits first.
        delay: Duration,
    },
    /// This replica leads a task or timer from now on.
    Elected {
        /// Its name.
        task: &'static str,
        /// The fencing token.
        token: u64,
    },
    /// This replica does not lead a task or timer any more.
    LeadershipLost {
        /// Its name.
        task: &'static str,
        /// The fencing token it had.
        token: u64,
        /// Why.
        why: String,
    },
    /// Nothing is restarted any more.
    GaveUp {
        /// The task or resource.
        what: &'static str,
    },
    /// Changed settings are in force.
    SettingsChanged {
        /// The keys that have another value.
        keys: Vec<String>,
    },
    /// Changed settings are not taken over.
    SettingsRefused {
        /// What is wrong with them.
        why: String,
    },
    /// Everything works and is open.
    Running {
        /// How long the start took.
        took: Duration,
    },
    /// The stop began.
    Stopping {
        /// Why.
        reason: String,
    },
    /// The stop is done.
    Stopped {
        /// The exit code.
        code: u8,
        /// How long the stop took.
        took: Duration,
    },
}

/// The events of one service: the recent ones, and a stream of those to come.
#[derive(Clone)]
pub(crate) struct Events {
    shared: Arc<Shared>,
}

struct Shared {
    born: Instant,
    ring: Mutex<VecDeque<Arc<Event>>>,
    stream: broadcast::Sender<Arc<Event>>,
}

impl Events {
    pub(crate) fn new() -> Self {
        let (stream, _) = broadcast::channel(RING);
        Self { shared: Arc::new(Shared { born: Instant::now(), ring: Mutex::default(), stream }) }
    }

    pub(crate) fn emit(&self, kind: EventKind) {
        let event = Arc::new(Event { at: SystemTime::now(), uptime: self.shared.born.elapsed(), kind });
        // The stream is fed under the lock, so that a subscriber sees each event once: in the ring or in the stream.
        let mut ring = self.shared.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.len() == RING {
            ring.pop_front();
        }
        ring.push_back(Arc::clone(&event));
        let _ = self.shared.stream.send(event);
    }

    pub(crate) fn recent(&self) -> Vec<Arc<Event>> {
        self.shared.ring.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// The kept events and, from there on, every further one.
    pub(crate) fn subscribe(&self) -> EventStream {
        let ring = self.shared.ring.lock().unwrap_or_else(PoisonError::into_inner);
        EventStream { past: ring.clone(), future: self.shared.stream.subscribe() }
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.shared.born.elapsed()
    }
}

/// Events in order: first those that were kept, then those that come.
pub struct EventStream {
    past: VecDeque<Arc<Event>>,
    future: broadcast::Receiver<Arc<Event>>,
}

impl EventStream {
    /// Leaves out what has happened already.
    #[must_use]
    pub fn from_now(mut self) -> Self {
        self.past.clear();
        self
    }

    /// The next event; `None` once the service is gone.
    ///
    /// A reader that falls more than 1,024 events behind misses the oldest ones.
    ///
    /// # Cancel safety
    /// Safe: no event is lost.
    pub async fn next(&mut self) -> Option<Arc<Event>> {
        if let Some(event) = self.past.pop_front() {
            return Some(event);
        }
        loop {
            match self.future.recv().await {
                Ok(event) => return Some(event),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    /// The next event for which `pick` has an answer; `None` once the service is gone.
    ///
    /// # Cancel safety
    /// Events that were looked at are gone; the wanted one is not lost.
    pub async fn find<T>(&mut self, mut pick: impl FnMut(&EventKind) -> Option<T>) -> Option<T> {
        while let Some(event) = self.next().await {
            if let Some(found) = pick(&event.kind) {
                return Some(found);
            }
        }
        None
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("past", &self.past.len()).finish_non_exhaustive()
    }
}
