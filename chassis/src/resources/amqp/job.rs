//! A message on its way to the broker, and who waits for its fate.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use bytes::Bytes;
use lapin::{BasicProperties, types::ShortString};
use tokio::sync::oneshot;

use super::names::Place;
use crate::Result;

/// A message on its way.
pub(super) struct Parcel {
    pub(super) target: Target,
    pub(super) body: Bytes,
    pub(super) properties: BasicProperties,
    /// It comes back when there is no queue for it.
    pub(super) is_mandatory: bool,
}

/// Where it goes.
pub(super) enum Target {
    /// To a place that is declared if need be.
    Place(Place),
    /// To a queue, if somebody has declared it.
    Queue(ShortString),
}

/// A message, as who writes it has it.
pub(super) struct Job {
    pub(super) parcel: Parcel,
    state: Arc<AtomicU8>,
    done: oneshot::Sender<Result<()>>,
    /// It came back once, because its queue or exchange was deleted.
    pub(super) has_come_back: bool,
}

/// What becomes of a message, as who sends it has it.
pub(super) struct Fate {
    state: Arc<AtomicU8>,
    told: oneshot::Receiver<Result<()>>,
}

/// It is not written, and its sender may withdraw it.
const WAITING: u8 = 0;
/// It is being written, or is.
const TAKEN: u8 = 1;
/// Its sender has given up.
const WITHDRAWN: u8 = 2;

impl Job {
    pub(super) fn new(parcel: Parcel) -> (Self, Fate) {
        let (state, (done, told)) = (Arc::new(AtomicU8::new(WAITING)), oneshot::channel());
        (Self { parcel, state: Arc::clone(&state), done, has_come_back: false }, Fate { state, told })
    }

    /// Begins to write it, unless its sender has given up.
    pub(super) fn take_on(&self) -> bool {
        self.state.compare_exchange(WAITING, TAKEN, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Lets it wait to be written once more, unless its sender has given up.
    pub(super) fn wait_again(&self) -> bool {
        let was = self.state.compare_exchange(TAKEN, WAITING, Ordering::AcqRel, Ordering::Acquire);
        was.unwrap_or_else(|was| was) != WITHDRAWN && !self.done.is_closed()
    }

    pub(super) fn end(self, fate: Result<()>) {
        let _ = self.done.send(fate);
    }
}

impl Fate {
    /// Waits for it; `None` when nobody is left to tell it.
    ///
    /// # Cancel safety
    /// Safe: it is told the next time.
    pub(super) async fn told(&mut self) -> Option<Result<()>> {
        (&mut self.told).await.ok()
    }

    /// Gives up; whether the message was not begun, and never will be.
    pub(super) fn withdraw(&self) -> bool {
        self.state.compare_exchange(WAITING, WITHDRAWN, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> (Job, Fate) {
        let (target, properties) = (Target::Queue("jobs".into()), BasicProperties::default());
        Job::new(Parcel { target, body: Bytes::new(), properties, is_mandatory: false })
    }

    #[test]
    fn what_was_withdrawn_is_never_written() {
        let (job, fate) = job();
        assert!(fate.withdraw());
        // As when its queue was being declared meanwhile, in vain.
        assert!(!job.wait_again() && !job.take_on());
    }

    #[test]
    fn what_is_being_written_cannot_be_withdrawn_until_it_waits_again() {
        let (job, fate) = job();
        assert!(job.take_on() && !fate.withdraw());
        assert!(job.wait_again() && fate.withdraw());
        assert!(!job.take_on());
    }

    #[test]
    fn what_nobody_waits_for_does_not_wait_either() {
        let (job, fate) = job();
        assert!(job.take_on());
        drop(fate);
        assert!(!job.wait_again());
    }
}
