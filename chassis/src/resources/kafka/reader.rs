//! The thread that reads one topic for one handler.
//!
//! It polls the client whatever the handlers do, so that a handler that takes its time is no reason to be thrown out of the
//! group; and what happens in the group may wait on this thread for messages at work, and holds up nobody else.

use std::{collections::HashMap, ops::ControlFlow, sync::Arc, time::Duration};

use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    config::FromClientConfigAndContext as _,
    consumer::{BaseConsumer, CommitMode, Consumer as _},
    error::KafkaError,
    types::RDKafkaErrorCode as Code,
};
use tokio::{sync::oneshot, time::Instant};

use super::{
    group::Membership,
    inbox::{Inbox, Want},
    producer::words,
    record::{self, Bodies},
    watch::Watch,
};
use crate::{Context, Error, Result, process::catch, tasks::spawn::thread};

/// Reads one topic for one handler.
pub(super) struct Reader {
    pub(super) cx: Context,
    pub(super) topic: Arc<str>,
    pub(super) role: Role,
    pub(super) config: ClientConfig,
    pub(super) inbox: Arc<Inbox>,
    pub(super) watch: Arc<Watch>,
    pub(super) commit_interval: Duration,
    pub(super) release_timeout: Duration,
}

/// What it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The partitions that its group gives it; a group that is new begins at the beginning.
    Worker,
    /// The same; a group that is new begins at the end.
    Member,
    /// All partitions from their ends on, in no group.
    Alone,
}

type Client = BaseConsumer<Membership>;

/// How long it waits for a message before it looks around.
const TICK: Duration = Duration::from_millis(50);
/// How long handlers may take before the client is told to wait: that costs it what it has read ahead.
const BRIEF: Duration = Duration::from_millis(100);
/// How long the cluster may take to say where a topic ends, or to take the last commit.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it waits before it begins anew.
const REST: Duration = Duration::from_secs(1);

impl Reader {
    /// Begins to read on a thread of its own. The first one says that it has begun: what is sent from then on is read; the
    /// other one says that it has ended.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub(super) fn spawn(self) -> Result<(oneshot::Receiver<Result<()>>, oneshot::Receiver<()>)> {
        let (begun, has_begun) = oneshot::channel();
        let (ended, has_ended) = oneshot::channel();
        let work = move || {
            let scope = Arc::clone(self.cx.scope());
            let _here = scope.enter();
            if let Err(panic) = catch(|| self.work(begun)) {
                self.inbox.fail(Error::from(panic));
            }
            self.inbox.committed();
            self.watch.found();
            let _ = ended.send(());
        };
        thread("kafka", work)?;
        Ok((has_begun, has_ended))
    }

    fn work(&self, begun: oneshot::Sender<Result<()>>) {
        let (mut begun, mut positions) = (Some(begun), HashMap::new());
        loop {
            let client = match self.begin(&positions) {
                Ok(client) => client,
                Err(error) => match begun.take() {
                    Some(begun) => return drop(begun.send(Err(error))),
                    None => {
                        self.watch.lost(&format!("`{}`: {error:#}", self.topic));
                        match self.rest() {
                            ControlFlow::Continue(()) => continue,
                            ControlFlow::Break(()) => return,
                        }
                    }
                },
            };
            if let Some(begun) = begun.take() {
                let _ = begun.send(Ok(()));
            }
            let (committed, bodies) = (Instant::now(), Bodies::default());
            let (is_paused, is_missing) = (false, false);
            let reading = Reading { reader: self, client: &client, is_paused, is_missing, committed, bodies };
            let why = reading.read(&mut positions);
            let Some(why) = why else { return self.commit(&client) };
            client.context().give_up(&client, &self.inbox.shares(), true);
            tracing::warn!("`{}` is read anew: {why}", self.topic);
            if self.rest().is_break() {
                return;
            }
        }
    }

    /// A client that reads, from these positions on where it is in no group.
    fn begin(&self, positions: &HashMap<i32, i64>) -> Result<Client> {
        let membership = Membership {
            watch: Arc::clone(&self.watch),
            inbox: Arc::clone(&self.inbox),
            topic: Arc::clone(&self.topic),
            scope: Arc::clone(self.cx.scope()),
            release_timeout: self.release_timeout,
        };
        let client = Client::from_config_and_context(&self.config, membership);
        let client = client.map_err(|error| Error::misconfigured(Error::msg(words(&error))))?;
        let begun = match self.role {
            Role::Worker => client.subscribe(&[&self.topic]),
            Role::Member => self.begin_at_the_end(&client).and_then(|()| client.subscribe(&[&self.topic])),
            Role::Alone => self.read_alone(&client, positions),
        };
        let unavailable = |error| Error::unavailable(Error::msg(format!("topic `{}`: {}", self.topic, words(&error))));
        begun.map_err(unavailable)?;
        Ok(client)
    }

    /// Says where a group begins that has not read yet.
    fn begin_at_the_end(&self, client: &Client) -> Result<(), KafkaError> {
        let mut asked = TopicPartitionList::new();
        for partition in self.partitions(client)? {
            asked.add_partition(&self.topic, partition);
        }
        let known = client.committed_offsets(asked, PATIENCE)?;
        let mut ends = TopicPartitionList::new();
        for element in known.elements_for_topic(&self.topic) {
            if element.offset() == Offset::Invalid {
                let (_, end) = client.fetch_watermarks(&self.topic, element.partition(), PATIENCE)?;
                ends.add_partition_offset(&self.topic, element.partition(), Offset::Offset(end))?;
            }
        }
        if ends.count() > 0
            && let Err(error) = client.commit(&ends, CommitMode::Sync)
        {
            // A group with members has said it before.
            let has_members = [Code::UnknownMemberId, Code::IllegalGeneration, Code::RebalanceInProgress];
            if !error.rdkafka_error_code().is_some_and(|code| has_members.contains(&code)) {
                return Err(error);
            }
            tracing::debug!("the group of `{}` has begun already: {}", self.topic, words(&error));
        }
        Ok(())
    }

    fn read_alone(&self, client: &Client, positions: &HashMap<i32, i64>) -> Result<(), KafkaError> {
        let mut given = TopicPartitionList::new();
        let partitions = self.partitions(client)?;
        for partition in &partitions {
            let from = match positions.get(partition) {
                Some(position) => *position,
                None => client.fetch_watermarks(&self.topic, *partition, PATIENCE)?.1,
            };
            given.add_partition_offset(&self.topic, *partition, Offset::Offset(from))?;
        }
        client.assign(&given)?;
        partitions.into_iter().for_each(|partition| self.inbox.add_share(partition));
        Ok(())
    }

    fn partitions(&self, client: &Client) -> Result<Vec<i32>, KafkaError> {
        let metadata = client.fetch_metadata(Some(&self.topic), PATIENCE)?;
        let topic = metadata.topics().first().ok_or(KafkaError::MetadataFetch(Code::UnknownTopicOrPartition))?;
        if let Some(error) = topic.error() {
            return Err(KafkaError::MetadataFetch(error.into()));
        }
        Ok(topic.partitions().iter().map(|partition| partition.id()).collect())
    }

    /// Commits what is done, for the last time.
    fn commit(&self, client: &Client) {
        if self.role == Role::Alone {
            return;
        }
        let (context, until) = (client.context(), Instant::now() + PATIENCE);
        // Those that are on their way may not arrive any more.
        self.inbox.uncommit(self.inbox.shares().into_iter());
        loop {
            match context.commit(client, None, CommitMode::Sync) {
                Err(_) if Instant::now() < until => {
                    // A group that changes takes none; it does again once all of its members have come back to it.
                    let _ = client.poll(TICK);
                }
                Err(error) => {
                    let why = words(&error);
                    tracing::warn!("what is done of `{}` cannot be committed, and is handled again: {why}", self.topic);
                    break;
                }
                Ok(()) => break,
            }
        }
    }

    /// Waits a moment, unless the end comes first.
    fn rest(&self) -> ControlFlow<()> {
        let until = Instant::now() + REST;
        while Instant::now() < until {
            match self.inbox.wait(until.saturating_duration_since(Instant::now())) {
                Want::End => return ControlFlow::Break(()),
                // Without a client nothing is committed.
                Want::Commit => self.inbox.committed(),
                _ => {}
            }
        }
        ControlFlow::Continue(())
    }
}

/// One client at work.
struct Reading<'a> {
    reader: &'a Reader,
    client: &'a Client,
    is_paused: bool,
    /// It was told that there is no such topic.
    is_missing: bool,
    committed: Instant,
    bodies: Bodies,
}

impl Reading<'_> {
    /// Reads until the end, or until this client is of no use any more: then it says why.
    fn read(mut self, positions: &mut HashMap<i32, i64>) -> Option<String> {
        let inbox = &self.reader.inbox;
        loop {
            let polled = match inbox.want() {
                Want::End => return None,
                Want::Commit => {
                    self.reader.commit(self.client);
                    inbox.committed();
                    continue;
                }
                // What was read ahead was thrown away for the pause: for a few messages that is not worth it.
                Want::More if !self.is_paused || inbox.has_ample_room() => {
                    self.pause(false);
                    self.take(TICK, inbox.room(), positions)
                }
                Want::More | Want::Room | Want::Nothing => {
                    if inbox.wait_for_room(BRIEF) {
                        continue;
                    }
                    self.pause(true);
                    self.take(Duration::ZERO, 1, positions)
                }
            };
            if let Err(error) = polled
                && let ControlFlow::Break(why) = self.trouble(&error)
            {
                return Some(why);
            }
            if self.committed.elapsed() >= self.reader.commit_interval {
                self.committed = Instant::now();
                self.tell_what_began_anew();
                self.look_around();
                if self.reader.watch.take_stuck() {
                    return Some("it is in no group, although the cluster is reached".to_owned());
                }
            }
        }
    }

    /// Waits for a message that long, and takes with it what the client has read already, but no more than that many.
    fn take(&mut self, limit: Duration, most: usize, positions: &mut HashMap<i32, i64>) -> Result<(), KafkaError> {
        let inbox = &self.reader.inbox;
        let mut limit = limit;
        for _ in 0..most {
            let Some(polled) = self.client.poll(limit) else { break };
            let message = polled.inspect_err(|_| inbox.hand_over())?;
            self.is_missing = false;
            if self.reader.role == Role::Alone {
                positions.insert(message.partition(), message.offset() + 1);
            }
            if inbox.put(message.partition(), message.offset(), record::incoming(&message, &mut self.bodies)) {
                break;
            }
            limit = Duration::ZERO;
        }
        inbox.hand_over();
        Ok(())
    }

    /// Commits what is done, and sees partitions that are new.
    fn look_around(&self) {
        if self.reader.role != Role::Alone {
            let _ = self.client.context().commit(self.client, None, CommitMode::Async);
            return;
        }
        let (topic, inbox) = (&self.reader.topic, &self.reader.inbox);
        let ours = inbox.shares();
        let new: Vec<_> = (0..self.reader.watch.partitions()).filter(|partition| !ours.contains(partition)).collect();
        let mut given = TopicPartitionList::new();
        for partition in &new {
            // Nobody has read what was published there before it was seen.
            let _ = given.add_partition_offset(topic, *partition, Offset::Beginning);
        }
        if !new.is_empty() && self.client.incremental_assign(&given).is_ok() {
            new.into_iter().for_each(|partition| inbox.add_share(partition));
        }
    }

    /// A topic that was deleted and created, or has lost its end, counts from a lower offset again.
    fn tell_what_began_anew(&self) {
        let (topic, anew) = (&self.reader.topic, self.reader.inbox.began_anew());
        if !anew.is_empty() {
            tracing::warn!("partitions {anew:?} of `{topic}` have begun anew: what is there is handled from there on");
        }
    }

    fn trouble(&mut self, error: &KafkaError) -> ControlFlow<String> {
        let topic = &self.reader.topic;
        match (error, error.rdkafka_error_code()) {
            (KafkaError::MessageConsumptionFatal(code), _) => ControlFlow::Break(code.to_string()),
            (_, Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition)) => {
                if !std::mem::replace(&mut self.is_missing, true) {
                    tracing::error!("topic `{topic}` does not exist any more: nothing is taken from it until it does");
                }
                ControlFlow::Continue(())
            }
            (_, Some(code @ (Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed))) => {
                let error = Error::msg(format!("topic `{topic}`: {code}"));
                self.reader.inbox.fail(Error::misconfigured(error));
                ControlFlow::Continue(())
            }
            // What the client mends itself, and has told already if it matters.
            _ => {
                tracing::debug!("`{topic}`: {}", words(error));
                ControlFlow::Continue(())
            }
        }
    }

    /// Tells the client to read on, or not to.
    fn pause(&mut self, pauses: bool) {
        if !pauses && !self.is_paused {
            return;
        }
        // What comes to this client while it pauses does not pause by itself.
        let Ok(assigned) = self.client.assignment() else { return };
        if assigned.count() == 0 {
            return;
        }
        let told = if pauses { self.client.pause(&assigned) } else { self.client.resume(&assigned) };
        if told.is_ok() {
            self.is_paused = pauses;
        }
    }
}
