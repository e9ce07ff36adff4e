//! One connection, from the moment it stands until it is lost.

use std::{
    collections::{HashMap, HashSet},
    net::Shutdown,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::StreamExt as _;
use lapin::{
    Channel, Event, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable, ShortString},
};
use socket2::Socket;
use tokio::{
    sync::watch,
    time::{Instant, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    failure::{PRECONDITION_FAILED, refusal, words},
    names::Place,
};

/// One connection, from the moment it stands until it is lost.
pub(super) struct Session {
    connection: lapin::Connection,
    /// For the case that the other side does not answer any more.
    socket: Option<Socket>,
    /// It is lost.
    lost: CancellationToken,
    /// The broker takes nothing at the moment, and says why.
    blocked: watch::Sender<Option<String>>,
    /// What has been declared by it, and when.
    declared: Mutex<HashMap<ShortString, Instant>>,
    told: Arc<Told>,
}

/// Of which queues it was told that they have other arguments: once for all connections of a service.
#[derive(Default)]
pub(super) struct Told(Mutex<HashSet<ShortString>>);

impl Told {
    fn is_new(&self, name: &ShortString) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone())
    }
}

/// Queues for messages that rest are gone when they have not been used for that long, their own time aside.
const UNUSED: Duration = Duration::from_secs(15 * 60);
/// They are declared anew after that time, which is a use: long before they could go with a message in them.
const FRESH: Duration = Duration::from_secs(5 * 60);
/// How long the other side may take to agree to an end.
const FAREWELL: Duration = Duration::from_secs(2);
/// How often a connection is looked at that has not told its loss.
const GLANCE: Duration = Duration::from_millis(250);

impl Session {
    pub(super) fn new(connection: lapin::Connection, socket: Option<Socket>, told: Arc<Told>) -> Self {
        Self {
            connection,
            socket,
            lost: CancellationToken::new(),
            blocked: watch::Sender::default(),
            declared: Mutex::default(),
            told,
        }
    }

    /// Follows what the client tells of the connection until it is lost, and says why it was.
    pub(super) async fn follow(&self) -> String {
        let mut events = std::pin::pin!(self.connection.events_listener());
        let mut glances = interval(GLANCE);
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                _ = glances.tick() => None,
            };
            match event {
                Some(Event::ConnectionBlocked(why)) => {
                    self.blocked.send_replace(Some(why.clone()));
                    tracing::warn!("the broker takes nothing at the moment: {why}; senders wait");
                }
                Some(Event::ConnectionUnblocked) => {
                    tracing::info!("the broker takes messages again");
                    self.blocked.send_replace(None);
                }
                // Channels that are closed are told, too.
                Some(Event::Error(error)) if !self.is_connected() => return words(&error),
                _ if !self.is_connected() => return "the connection is closed".to_owned(),
                _ => {}
            }
        }
    }

    fn is_connected(&self) -> bool {
        self.connection.status().connected()
    }

    /// Whether something can come by it.
    pub(super) fn is_up(&self) -> bool {
        self.is_connected() && !self.is_lost()
    }

    /// What waits for it need not wait any more, and its socket is let go.
    pub(super) fn abandon(&self) {
        self.lost.cancel();
        if let Some(socket) = &self.socket {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// Resolves when it is lost.
    pub(super) async fn lost(&self) {
        self.lost.cancelled().await;
    }

    pub(super) fn is_lost(&self) -> bool {
        self.lost.is_cancelled()
    }

    /// Why the broker takes nothing at the moment.
    pub(super) fn blocked(&self) -> watch::Receiver<Option<String>> {
        self.blocked.subscribe()
    }

    /// Opens a channel.
    pub(super) async fn channel(&self) -> lapin::Result<Channel> {
        self.connection.create_channel().await
    }

    /// Ends it in good order, as far as the other side answers.
    pub(super) async fn close(&self) {
        self.lost.cancel();
        let _ = timeout(FAREWELL, self.connection.close(200, "OK".into())).await;
        if let Some(socket) = &self.socket {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// Whether a place need not be declared any more.
    pub(super) fn knows(&self, place: &Place) -> bool {
        let declared = self.lock().get(place.name()).copied();
        match place {
            Place::Rest { .. } => declared.is_some_and(|declared| declared.elapsed() < FRESH),
            _ => declared.is_some(),
        }
    }

    /// Lets a place be declared anew.
    pub(super) fn forget(&self, name: &ShortString) {
        self.lock().remove(name);
    }

    /// Declares a place, unless that was done; one that is there with other arguments is used as it is.
    pub(super) async fn declare(&self, place: &Place) -> lapin::Result<()> {
        if self.knows(place) {
            return Ok(());
        }
        match self.declare_on_its_own(place).await {
            // Somebody has declared it with other arguments, which is for them to say.
            Err(error) if refusal(&error) == Some(PRECONDITION_FAILED) => {
                let name = place.name();
                if self.told.is_new(name) {
                    tracing::info!("`{name}` is there with other arguments and is used as it is: {}", words(&error));
                }
                self.bind(place).await?;
            }
            other => other?,
        }
        self.lock().insert(place.name().clone(), Instant::now());
        Ok(())
    }

    /// Declares on a channel that may be closed because of it.
    async fn declare_on_its_own(&self, place: &Place) -> lapin::Result<()> {
        let channel = self.channel().await?;
        match place {
            Place::Exchange { name } => {
                let options = ExchangeDeclareOptions::default();
                channel.exchange_declare(name.clone(), ExchangeKind::Fanout, options, FieldTable::default()).await?;
            }
            Place::Queue { name, durable, exchange } => {
                let options = QueueDeclareOptions { durable: *durable, ..QueueDeclareOptions::default() };
                channel.queue_declare(name.clone(), options, FieldTable::default()).await?;
                if exchange.is_some() {
                    self.bind(place).await?;
                }
            }
            Place::Rest { name, queue, millis } => {
                let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
                let expires = u64::from(*millis) + UNUSED.as_secs() * 1000;
                let mut arguments = FieldTable::default();
                arguments.insert("x-message-ttl".into(), AMQPValue::LongLongInt(i64::from(*millis)));
                arguments.insert("x-expires".into(), AMQPValue::LongLongInt(expires.min(u64::from(u32::MAX)) as i64));
                arguments.insert("x-dead-letter-exchange".into(), AMQPValue::LongString("".into()));
                arguments.insert("x-dead-letter-routing-key".into(), AMQPValue::LongString(queue.as_str().into()));
                channel.queue_declare(name.clone(), options, arguments).await?;
            }
        }
        channel.close(200, "OK".into()).await
    }

    /// Binds a queue to its exchange, if it has one.
    async fn bind(&self, place: &Place) -> lapin::Result<()> {
        let Place::Queue { name, exchange: Some(exchange), .. } = place else { return Ok(()) };
        let channel = self.channel().await?;
        let (options, none) = (QueueBindOptions::default(), FieldTable::default());
        channel.queue_bind(name.clone(), exchange.clone(), "".into(), options, none).await?;
        channel.close(200, "OK".into()).await
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ShortString, Instant>> {
        self.declared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
