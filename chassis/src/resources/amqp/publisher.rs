//! Sends: all messages of a service over one channel, many of them at the same time, each until it is confirmed.

use std::{collections::VecDeque, future::pending, sync::Arc};

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use lapin::{
    Channel, Confirmation,
    message::BasicReturnMessage,
    options::{BasicPublishOptions, ConfirmSelectOptions},
    types::ShortString,
};
use tokio::{
    sync::mpsc,
    time::{Duration, Instant, sleep, timeout, timeout_at},
};

use super::{
    failure::{NOT_FOUND, not_sent, refusal, refused, unknown, words},
    job::{Job, Parcel, Target},
    ledger::Ledger,
    link::Link,
    names::Place,
    session::Session,
};
use crate::{Context, Result};

/// Sends the messages of a service.
pub(super) struct Publisher {
    jobs: mpsc::Sender<Job>,
    link: Arc<Link>,
}

/// A message whose target is being declared.
struct Declaring<'a> {
    job: Job,
    declared: BoxFuture<'a, lapin::Result<()>>,
}

/// How long to wait after something that should not have failed.
const REST: Duration = Duration::from_millis(100);
/// How long after the loss of a channel the client may take to tell it of each message.
const LAST_WORDS: Duration = Duration::from_secs(2);

impl Publisher {
    /// Begins to send over a connection, so many messages at the same time.
    pub(super) fn new(cx: &Context, link: &Arc<Link>, window: usize) -> Self {
        let (jobs, queue) = mpsc::channel(window);
        let (own, again, run) = (Arc::clone(link), VecDeque::new(), fastrand::u64(..));
        let sender = Sender { link: own, queue, again, window, count: 0, run, crowd: None };
        cx.spawn_detached(sender.run());
        Self { jobs, link: Arc::clone(link) }
    }

    /// Sends a message, and returns once the broker has confirmed it.
    ///
    /// # Errors
    /// A failure that tells whether it may have arrived all the same.
    pub(super) async fn send(&self, parcel: Parcel, until: Instant) -> Result<()> {
        let room = timeout_at(until, self.jobs.reserve()).await;
        let room = room.map_err(|_| not_sent(self.link.why()))?.map_err(|_| not_sent(OVER))?;
        let (job, mut fate) = Job::new(parcel);
        room.send(job);
        match timeout_at(until, fate.told()).await {
            Ok(Some(told)) => told,
            in_vain => {
                let why = if in_vain.is_ok() { OVER.to_owned() } else { self.link.why() };
                Err(if fate.withdraw() { not_sent(why) } else { unknown(why) })
            }
        }
    }
}

const OVER: &str = "the broker is not connected any more";

/// Does the sending.
struct Sender {
    link: Arc<Link>,
    queue: mpsc::Receiver<Job>,
    /// What was not written before a channel was lost.
    again: VecDeque<Job>,
    window: usize,
    /// How many have been numbered.
    count: u64,
    /// Tells this run from others in the ids of messages.
    run: u64,
    /// How many were in the air when the channel was lost.
    crowd: Option<usize>,
}

/// What became of a message on the channel.
struct Landed {
    number: u64,
    job: Job,
    outcome: Outcome,
}

enum Outcome {
    Confirmed(Option<BasicReturnMessage>),
    Nacked(Option<BasicReturnMessage>),
    /// It was not written as a whole, so the broker does not have it.
    NotWritten,
    /// It was written, and the channel was lost.
    Lost(lapin::Error),
}

impl Sender {
    /// Until nobody sends any more.
    async fn run(mut self) {
        while let Some(session) = self.link.session().await {
            match confirming(&session).await {
                Ok(channel) => {
                    if self.serve(&session, &channel).await.is_none() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::debug!("no channel to send by: {}", words(&error));
                    sleep(REST).await;
                }
            }
        }
    }

    /// Sends by a channel until it is lost; `None` once nobody sends any more.
    async fn serve(&mut self, session: &Session, channel: &Channel) -> Option<()> {
        let mut flying = FuturesUnordered::new();
        let mut ledger = Ledger::default();
        let mut blocked = session.blocked();
        let mut declaring: Option<Declaring<'_>> = None;
        let (mut is_over, mut closed) = (false, None);
        self.crowd = None;
        loop {
            let is_open = channel.status().connected() && !session.is_lost();
            if is_over && flying.is_empty() && declaring.is_none() {
                return None;
            }
            let is_late = !is_open && closed.get_or_insert_with(Instant::now).elapsed() > LAST_WORDS;
            if !is_open && (flying.is_empty() || is_late) {
                ledger
                    .abandon()
                    .into_iter()
                    .for_each(|(job, _): (Job, bool)| job.end(Err(unknown("the connection was lost"))));
                declaring.into_iter().for_each(|declaring| self.put_back(declaring.job));
                return Some(());
            }
            let is_blocked = blocked.borrow_and_update().is_some();
            let is_free = is_open && !is_over && !is_blocked && declaring.is_none();
            tokio::select! {
                biased;
                Some(landed) = flying.next(), if !flying.is_empty() => {
                    let crowd = flying.len() + 1;
                    self.land(landed, &mut ledger, session, crowd);
                    // All that is there, before anything is concluded from it; see the ledger.
                    while let Some(Some(landed)) = flying.next().now_or_never() {
                        self.land(landed, &mut ledger, session, crowd);
                    }
                    self.settle(&mut ledger, session);
                }
                _ = blocked.changed() => {}
                declared = declared(&mut declaring), if is_open => {
                    let Some(Declaring { job, .. }) = declaring.take() else { continue };
                    match declared {
                        Ok(()) if job.take_on() => flying.push(self.fly(channel, job)),
                        Ok(()) => {}
                        Err(error) => self.not_declared(job, &error, session).await,
                    }
                }
                job = next(&mut self.again, &mut self.queue), if is_free && flying.len() < self.window => {
                    is_over = job.is_none();
                    let mut waiting = job;
                    // Those behind it as well: to look at everything else for each of them costs more than to send it.
                    while let Some(job) = waiting {
                        match &job.parcel.target {
                            // Meanwhile the others go on.
                            Target::Place(place) if !session.knows(place) => {
                                declaring = Some(Declaring::new(place.clone(), job, session));
                                break;
                            }
                            _ if job.take_on() => flying.push(self.fly(channel, job)),
                            _ => {}
                        }
                        waiting = if flying.len() < self.window { self.waiting() } else { None };
                    }
                }
                () = session.lost(), if is_open => {}
                () = sleep(REST), if !is_open => {}
            }
        }
    }

    /// What is to be sent next, if it is there.
    fn waiting(&mut self) -> Option<Job> {
        self.again.pop_front().or_else(|| self.queue.try_recv().ok())
    }

    /// A message whose target cannot be declared.
    async fn not_declared(&mut self, job: Job, error: &lapin::Error, session: &Session) {
        match refusal(error) {
            // The node that has the queue is away; it may come back.
            Some(NOT_FOUND) => job.end(Err(not_sent(words(error)))),
            Some(_) => {
                let name = match &job.parcel.target {
                    Target::Place(place) => place.name(),
                    Target::Queue(name) => name,
                };
                let why = format!("`{name}` cannot be declared: {}", words(error));
                job.end(Err(refused(why)));
            }
            None => {
                self.put_back(job);
                // The connection that has failed is known to be lost in a moment.
                let _ = timeout(REST, session.lost()).await;
            }
        }
    }

    /// Writes a message, and waits for its confirm. The numbers of the broker count these calls, so each is begun before
    /// the next one is.
    fn fly<'a>(&mut self, channel: &'a Channel, job: Job) -> impl Future<Output = Landed> + use<'a> {
        self.count += 1;
        let (number, run) = (self.count, self.run);
        async move {
            let Parcel { target, body, properties, is_mandatory } = &job.parcel;
            let (exchange, key) = match target {
                Target::Place(Place::Exchange { name }) => (name.clone(), ShortString::default()),
                Target::Place(place) => (ShortString::default(), place.name().clone()),
                Target::Queue(name) => (ShortString::default(), name.clone()),
            };
            let options = BasicPublishOptions { mandatory: *is_mandatory, immediate: false };
            let properties = properties.clone().with_message_id(format!("{run:016x}-{number}").into());
            let outcome = match channel.basic_publish(exchange, key, options, body, properties).await {
                Ok(confirm) => match confirm.await {
                    Ok(Confirmation::Ack(returned)) => Outcome::Confirmed(returned),
                    Ok(Confirmation::Nack(returned)) => Outcome::Nacked(returned),
                    Ok(Confirmation::NotRequested) => Outcome::Confirmed(None),
                    Err(error) => Outcome::Lost(error),
                },
                Err(_) => Outcome::NotWritten,
            };
            Landed { number, job, outcome }
        }
    }

    /// Notes what became of a message; `crowd` were in the air.
    fn land(&mut self, landed: Landed, ledger: &mut Ledger<(Job, bool)>, session: &Session, crowd: usize) {
        let Landed { number, mut job, outcome } = landed;
        match outcome {
            Outcome::Confirmed(returned) => ledger.confirmed(number, (job, true), self.back(returned)),
            Outcome::Nacked(returned) => ledger.confirmed(number, (job, false), self.back(returned)),
            Outcome::NotWritten => self.put_back(job),
            Outcome::Lost(error) => {
                let why = words(&error);
                // They land one after the other, but were all lost together.
                let crowd = *self.crowd.get_or_insert(crowd);
                if let (Target::Place(place), Some(NOT_FOUND)) = (&job.parcel.target, refusal(&error)) {
                    // Exchanges can be deleted, too.
                    if session.knows(place) {
                        let name = place.name();
                        tracing::warn!(
                            "exchange `{name}` was deleted and is declared anew: who was bound to it hears nothing until it \
                             connects again"
                        );
                    }
                    session.forget(place.name());
                    if crowd == 1 && !job.has_come_back {
                        job.has_come_back = true;
                        return self.put_back(job);
                    }
                }
                // The broker closes the channel because of one message, and may name its size.
                let is_culprit = crowd == 1 || why.contains(&format!("size {} ", job.parcel.body.len()));
                let is_refused = refusal(&error).is_some() && is_culprit;
                job.end(Err(if is_refused { refused(why) } else { unknown(why) }));
            }
        }
    }

    /// The number of a message that came back, if it is one of this run, and why it did.
    fn back(&self, returned: Option<BasicReturnMessage>) -> Option<(u64, String)> {
        let returned = returned?;
        let id = returned.delivery.properties.message_id().as_ref()?;
        let number = id.as_str().strip_prefix(&format!("{:016x}-", self.run))?.parse().ok()?;
        Some((number, returned.reply_text.to_string()))
    }

    /// Tells what is certain.
    fn settle(&mut self, ledger: &mut Ledger<(Job, bool)>, session: &Session) {
        for ((mut job, is_taken), returned) in ledger.settle() {
            match (returned, is_taken) {
                (None, true) => job.end(Ok(())),
                // It answers for nothing then: a part of a queue with replicas may have it.
                (None, false) => job.end(Err(unknown("the broker did not take it: its queue is full, or has failed"))),
                (Some(why), _) => match &job.parcel.target {
                    // Its queue was deleted since it was declared.
                    Target::Place(place) if !job.has_come_back => {
                        session.forget(place.name());
                        job.has_come_back = true;
                        self.put_back(job);
                    }
                    Target::Place(place) => {
                        let why = format!("`{}` is not there: the broker says {why}", place.name());
                        job.end(Err(refused(why)));
                    }
                    Target::Queue(name) => {
                        let why = format!("nobody takes from `{name}`: the broker says {why}");
                        job.end(Err(refused(why)));
                    }
                },
            }
        }
    }

    /// Sends it again, unless its sender has given up meanwhile.
    fn put_back(&mut self, job: Job) {
        if job.wait_again() {
            self.again.push_back(job);
        }
    }
}

impl<'a> Declaring<'a> {
    fn new(place: Place, job: Job, session: &'a Session) -> Self {
        Self { job, declared: Box::pin(async move { session.declare(&place).await }) }
    }
}

/// Waits until a target is declared; for ever where none is.
async fn declared(declaring: &mut Option<Declaring<'_>>) -> lapin::Result<()> {
    match declaring {
        Some(declaring) => declaring.declared.as_mut().await,
        None => pending().await,
    }
}

/// What is to be sent next: what was put back, before what is new.
async fn next(again: &mut VecDeque<Job>, queue: &mut mpsc::Receiver<Job>) -> Option<Job> {
    match again.pop_front() {
        Some(job) => Some(job),
        None => queue.recv().await,
    }
}

/// A channel with confirms.
async fn confirming(session: &Session) -> lapin::Result<Channel> {
    let channel = session.channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok(channel)
}
