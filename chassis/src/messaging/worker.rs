//! Handles the messages of one handler: each as a unit of work, settled by what came of it.

use std::{
    hash::{Hash as _, Hasher as _},
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::future::BoxFuture;
use tokio::{
    sync::{Mutex, mpsc},
    task::coop::consume_budget,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    burial::Burial,
    engine::{Connection, Consumer, Delivered, Engine, Verdict},
    input::Outcome,
    known,
    letter::Reason,
    matcher::Options,
    message::Incoming,
    meters::HandlerMeters,
    pattern::Pattern,
    rules::Rules,
    settings::DeliverySettings,
};
use crate::{
    Context, Error, Result,
    codec::Format,
    logging::OwnedValue,
    process::Panic,
    unit::{self, Ending, Ids, Origin, RequestId, TraceContext},
};

/// A handler as it was handed to the broker.
pub(super) struct Handler {
    pub(super) pattern: Pattern,
    pub(super) options: Options,
    pub(super) run: Box<dyn Fn(Arc<Incoming>, Format) -> Handling + Send + Sync>,
}

/// The future of a handler.
pub(super) type Handling = BoxFuture<'static, Outcome>;

/// Handles the messages of one handler.
pub(super) struct Worker<E: Engine> {
    pub(super) handler: Arc<Handler>,
    pub(super) rules: Rules,
    pub(super) settings: Arc<DeliverySettings>,
    pub(super) burial: Burial<E>,
    pub(super) cx: Context,
    pub(super) closing: CancellationToken,
}

pub(super) type TakenBy<E> = <<E as Engine>::Connection as Connection>::Consumer;
pub(super) type Taken<E> = <TakenBy<E> as Consumer>::Delivered;

/// Where a message went that was handled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Went {
    On,
    /// To the broker, as it came: the end is near.
    Back,
}

/// What was decided of a message.
enum Decision {
    Settle(Verdict),
    Again { after: Duration, attempt: u32, error: Error },
    Bury(Reason, Error),
}

impl<E: Engine> Worker<E> {
    /// The tasks that take from `consumer`: as many as work at the same time.
    pub(super) fn tasks(
        self: Arc<Self>,
        consumer: TakenBy<E>,
    ) -> Vec<Pin<Box<dyn Future<Output = Result<()>> + Send>>> {
        if self.rules.by_key && self.rules.concurrency > 1 {
            return self.lanes(consumer);
        }
        if self.rules.concurrency == 1 {
            return vec![Box::pin(self.alone(consumer))];
        }
        let consumer = Arc::new(Mutex::new(consumer));
        let task = || Box::pin(Arc::clone(&self).share(Arc::clone(&consumer))) as _;
        std::iter::repeat_with(task).take(self.rules.concurrency).collect()
    }

    /// Has a consumer to itself.
    async fn alone(self: Arc<Self>, mut consumer: TakenBy<E>) -> Result<()> {
        while let Some(delivered) = consumer.next().await {
            if self.handle(delivered?).await == Went::Back {
                break;
            }
        }
        Ok(())
    }

    /// Takes turns with others at one consumer.
    async fn share(self: Arc<Self>, consumer: Arc<Mutex<TakenBy<E>>>) -> Result<()> {
        loop {
            let next = consumer.lock().await.next().await;
            match next {
                Some(delivered) => {
                    self.handle(delivered?).await;
                }
                None => return Ok(()),
            }
        }
    }

    /// One task that takes, and one for each share of the keys.
    fn lanes(self: Arc<Self>, mut consumer: TakenBy<E>) -> Vec<Pin<Box<dyn Future<Output = Result<()>> + Send>>> {
        let mut tasks: Vec<Pin<Box<dyn Future<Output = Result<()>> + Send>>> = Vec::new();
        let mut lanes = Vec::new();
        for _ in 0..self.rules.concurrency {
            let (lane, mut messages) = mpsc::channel::<Taken<E>>(self.rules.prefetch);
            lanes.push(lane);
            let worker = Arc::clone(&self);
            tasks.push(Box::pin(async move {
                while let Some(delivered) = messages.recv().await {
                    // What waits goes back at the end, by being dropped; so does what is behind one that went back.
                    if worker.gives_back() || worker.handle(delivered).await == Went::Back {
                        break;
                    }
                }
                Ok(())
            }));
        }
        tasks.push(Box::pin(async move {
            let mut turn = 0_usize;
            while let Some(delivered) = consumer.next().await {
                let delivered = delivered?;
                turn = turn.wrapping_add(1);
                let lane = delivered.message().key.as_ref().map_or(turn, |key| lane_of(key));
                // A lane ends only at a stop, which ends this one, too.
                if lanes[lane % lanes.len()].send(delivered).await.is_err() {
                    break;
                }
            }
            Ok(())
        }));
        tasks
    }

    /// Whether what has not begun goes back to the broker, because the end is near. Where nobody keeps it, all that has come
    /// is handled.
    fn gives_back(&self) -> bool {
        self.closing.is_cancelled() && self.burial.connection.keeps()
    }

    async fn handle(&self, delivered: Taken<E>) -> Went {
        // Messages that are there already, and handlers that wait for nothing, must not keep others from working.
        consume_budget().await;
        let _at_work = AtWork::begin(&self.burial.meters);
        let mut message = Arc::clone(delivered.message());
        loop {
            let decision = self.attempt(&message).await;
            let mut verdict = match decision {
                Decision::Again { after, attempt, error: _ } => {
                    self.burial.meters.retries.inc();
                    Verdict::Again { after, attempt }
                }
                Decision::Settle(verdict) => verdict,
                Decision::Bury(reason, error) => self.burial.bury(&message, reason, error).await,
            };
            if let (Verdict::Again { after, attempt }, true) = (&verdict, self.rules.by_key) {
                // What comes behind it in its key waits.
                if self.closing.run_until_cancelled(sleep(*after)).await.is_some() {
                    message = Arc::new(Incoming { attempt: *attempt, ..(*message).clone() });
                    continue;
                }
                verdict = Verdict::Back;
            }
            let went = if matches!(verdict, Verdict::Back) && self.gives_back() { Went::Back } else { Went::On };
            if delivered.settle(verdict).await.is_err() {
                // The connection says what is the matter, once; this happens with every message in flight.
                self.burial.meters.unsettled.inc();
            }
            return went;
        }
    }

    /// Runs the handler, as a unit of work.
    async fn attempt(&self, message: &Arc<Incoming>) -> Decision {
        let Handler { pattern, options, run } = &*self.handler;
        let mut unit = self.cx.unit("message").name(options.handler);
        if let Some(origin) = &message.origin {
            unit = unit.origin(Arc::clone(origin));
        } else if !message.headers.is_empty() {
            unit = unit.origin(Arc::clone(message) as _);
        }
        if options.quiet {
            unit = unit.level(tracing_core::Level::DEBUG);
        }
        unit = unit
            .field("pattern", OwnedValue::Name(pattern.as_str()))
            .field("source", OwnedValue::Name(options.name))
            .field("attempt", u64::from(message.attempt))
            .field("bytes_in", message.body.len() as u64);
        if message.is_redelivered {
            unit = unit.field("redelivered", true);
        }
        let began = Instant::now();
        // The same for what is said and for what is done.
        let luck = fastrand::f64();
        let work = async {
            if message.body.len() as u64 > self.settings.max_message_size.as_u64() {
                return (unit::Outcome::Error, self.too_large(message));
            }
            if has_expired(message) {
                let error = Error::msg("its deadline has passed, so nobody wants it any more");
                return (unit::Outcome::Timeout, Decision::Bury(Reason::Expired, error));
            }
            let run = run(Arc::clone(message), self.settings.format());
            let outcome = match self.rules.timeout {
                None => Some(run.await),
                Some(limit) => timeout(limit, run).await.ok(),
            };
            match outcome {
                Some(outcome) => self.decide(message, outcome, luck),
                None => {
                    let error = Error::msg(format!(
                        "its handler took longer than {:?}",
                        self.rules.timeout.unwrap_or_default()
                    ));
                    (unit::Outcome::Timeout, self.failed(message, error, luck))
                }
            }
        };
        let told = |worked: Result<&(unit::Outcome, Decision), &Panic>| match worked {
            Ok((outcome, decision)) => self.ending(*outcome, decision, message),
            Err(panic) => {
                let decision = self.failed(message, Error::msg(panic.to_string()), luck);
                self.ending(unit::Outcome::Panic, &decision, message)
            }
        };
        let (outcome, decision) = match unit.run_as(work, told).await {
            Ok(decided) => decided,
            Err(panic) => (unit::Outcome::Panic, self.failed(message, Error::from(panic), luck)),
        };
        self.burial.meters.handled(outcome, began.elapsed());
        decision
    }

    fn decide(&self, message: &Incoming, outcome: Outcome, luck: f64) -> (unit::Outcome, Decision) {
        match outcome {
            Outcome::Done => (unit::Outcome::Ok, Decision::Settle(Verdict::Done)),
            Outcome::Answer(answer) => (unit::Outcome::Ok, Decision::Settle(Verdict::Answer(answer))),
            Outcome::Failed(error) => (unit::Outcome::Error, self.failed(message, error, luck)),
            Outcome::Rejected(error) => (unit::Outcome::Error, Decision::Bury(Reason::Rejected, error)),
            Outcome::Undecodable(error) => {
                (unit::Outcome::Error, Decision::Bury(Reason::Undecodable, error.context("the body cannot be read")))
            }
        }
    }

    /// Another attempt, if there is one left; how long it rests is a matter of `luck`, from 0 to 1.
    fn failed(&self, message: &Incoming, error: Error, luck: f64) -> Decision {
        match self.rules.rest(message.attempt, luck) {
            Some(after) => Decision::Again { after, attempt: message.attempt.saturating_add(1), error },
            None => Decision::Bury(Reason::Exhausted, error),
        }
    }

    fn too_large(&self, message: &Incoming) -> Decision {
        let (length, most) = (message.body.len(), &self.settings.max_message_size);
        let error = Error::msg(format!("{length} bytes are more than `max_message_size`, {most}"));
        Decision::Bury(Reason::TooLarge, error)
    }

    /// What the canonical line says of it.
    fn ending(&self, outcome: unit::Outcome, decision: &Decision, message: &Incoming) -> Ending {
        match decision {
            Decision::Settle(_) => Ending::of(outcome),
            Decision::Bury(reason, error) => {
                Ending::because(outcome, format!("{error:#}; given up: {reason}, {}", self.burial.fate()))
            }
            Decision::Again { after, error, .. } => {
                let (attempt, last) = (message.attempt, self.rules.retries.saturating_add(1));
                let rest = after.as_millis();
                Ending::because(outcome, format!("{error:#}; attempt {attempt} of {last}, again in {rest} ms"))
            }
        }
    }
}

/// A message in the figure of those at work, until it ends or is cancelled.
struct AtWork<'a>(&'a HandlerMeters);

impl<'a> AtWork<'a> {
    fn begin(meters: &'a HandlerMeters) -> Self {
        meters.in_flight.inc();
        Self(meters)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.in_flight.dec();
    }
}

/// The ids to work under, as far as the sender sent some.
impl Origin for Incoming {
    fn ids(self: Arc<Self>) -> Ids {
        let request_id = self.headers.get(known::REQUEST_ID).and_then(RequestId::parse);
        let trace = self.headers.get(known::TRACE).and_then(TraceContext::parse);
        Ids::from_caller(request_id, trace)
    }
}

/// Whether nobody wants it handled any more. What has begun in time goes on.
fn has_expired(message: &Incoming) -> bool {
    let deadline = message.headers.get(known::DEADLINE).and_then(|deadline| deadline.trim().parse().ok());
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    deadline.is_some_and(|deadline| now() >= Duration::from_millis(deadline))
}

fn lane_of(key: &[u8]) -> usize {
    let mut hasher = std::hash::DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish() as usize
}
