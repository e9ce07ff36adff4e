//! A queue in memory, as a resource: it consumes, drains at a stop, crashes, is restarted and follows its settings.

use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chassis::{
    Context, Error, Health, Resource, Result, Slot,
    handler::{Give, Input, Settle},
    settings::{Setting, SettingsSchema},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use tokio::sync::watch;

/// The settings at `system.resources.<field name>`.
#[derive(Debug, SettingsSchema)]
pub struct QueueSettings {
    /// How many messages may wait in each lane; a further push is refused. Changes by a restart of the queue.
    #[setting(default = 1000)]
    capacity: usize,
    /// How long a message rests after its handler failed; followed while the service runs.
    #[setting(default = "50ms")]
    retry_after: Setting<Duration>,
}

/// Which messages a handler wants: those pushed to this lane.
pub struct Pull(&'static str);

/// Handles the messages of a lane: `#[on(queue, pull("emails"))]`.
pub fn pull(lane: &'static str) -> Pull {
    Pull(lane)
}

/// One message, as handlers get it.
pub struct Mail {
    body: Value,
}

impl Input for Mail {
    type Outcome = Result<()>;
}

/// A handler takes anything that can be read from JSON.
impl<T: DeserializeOwned + Send> Give<T> for Mail {
    async fn give(&mut self) -> Result<T, Result<()>> {
        serde_json::from_value(self.body.take()).map_err(|error| Err(error.into()))
    }
}

/// A handler returns a result; a message is done once it is `Ok`.
impl Settle<Result<()>> for Mail {
    fn settle(self, answer: Result<()>) -> Result<()> {
        answer
    }
}

/// A queue in memory with a lane per handler.
///
/// A message is taken from its lane once its handler returned `Ok`, so neither a failure nor a restart of the queue
/// loses one; a stop handles what waits.
#[derive(Default)]
pub struct Queue {
    lanes: Mutex<BTreeMap<&'static str, Arc<Lane>>>,
    /// Declared twice; told by `check`.
    doubled: Mutex<Vec<&'static str>>,
    settings: Slot<QueueSettings>,
    is_open: AtomicBool,
}

type Handler = Box<dyn Fn(Mail) -> Pin<Box<dyn Future<Output = Result<()>> + Send>> + Send + Sync>;

struct Lane {
    name: &'static str,
    handler: Handler,
    waiting: Mutex<VecDeque<Value>>,
    state: watch::Sender<State>,
}

/// What the consumer, a drain and a test wait for.
#[derive(Debug, Default)]
struct State {
    length: usize,
    is_broken: bool,
}

impl Queue {
    /// Takes a handler; called by the expansion of `#[on(queue, pull("…"))]`.
    pub fn on<F, Fut>(&self, Pull(name): Pull, handler: F)
    where
        F: Fn(Mail) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        let lane = Lane {
            name,
            handler: Box::new(move |mail| Box::pin(handler(mail))),
            waiting: Mutex::default(),
            state: watch::Sender::default(),
        };
        if self.lanes().insert(name, Arc::new(lane)).is_some() {
            self.doubled.lock().unwrap_or_else(PoisonError::into_inner).push(name);
        }
    }

    /// Puts a message into a lane.
    ///
    /// # Errors
    /// When the queue does not run, no handler pulls from the lane, or the lane is full.
    pub fn push(&self, lane: &str, message: &impl Serialize) -> Result<()> {
        let closed = || Error::unavailable(Error::msg("the queue is closed"));
        let settings = self.settings.get().ok_or_else(closed)?;
        let lane = self.lane(lane)?;
        let mut waiting = lane.waiting();
        if !self.is_open.load(Ordering::Acquire) {
            return Err(closed());
        }
        if waiting.len() >= settings.capacity {
            return Err(Error::unavailable(Error::msg(format!("lane `{}` is full", lane.name))));
        }
        waiting.push_back(serde_json::to_value(message)?);
        lane.state.send_modify(|state| state.length = waiting.len());
        Ok(())
    }

    /// Lets the consumer of a lane crash, to see what the supervisor makes of it.
    ///
    /// # Errors
    /// When no handler pulls from the lane.
    pub fn break_lane(&self, lane: &str) -> Result<()> {
        let lane = self.lane(lane)?;
        lane.state.send_modify(|state| state.is_broken = true);
        Ok(())
    }

    fn lane(&self, name: &str) -> Result<Arc<Lane>> {
        let lane = self.lanes().get(name).cloned();
        lane.ok_or_else(|| Error::msg(format!("no handler pulls from `{name}`")))
    }

    fn lanes(&self) -> MutexGuard<'_, BTreeMap<&'static str, Arc<Lane>>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resource for Queue {
    type Settings = QueueSettings;

    fn check(&self, settings: &QueueSettings) -> Result<()> {
        if let Some(lane) = self.doubled.lock().unwrap_or_else(PoisonError::into_inner).first() {
            return Err(Error::msg(format!("two handlers pull from `{lane}`: give one of them another lane")));
        }
        if settings.capacity == 0 {
            return Err(Error::msg("`capacity` is 0, so no message could ever wait: give it at least 1"));
        }
        Ok(())
    }

    async fn start(&self, _cx: &Context, settings: QueueSettings) -> Result<()> {
        self.settings.set(settings);
        Ok(())
    }

    async fn open(&self, cx: &Context) -> Result<()> {
        let settings = self.settings.get().ok_or_else(|| Error::msg("not started"))?;
        for lane in self.lanes().values() {
            let (lane, cx_of_lane, retry) = (Arc::clone(lane), cx.clone(), settings.retry_after.clone());
            // A failure of this work is a crash of the queue: the supervisor restarts it.
            cx.spawn("consumer", async move { lane.consume(&cx_of_lane, &retry).await });
        }
        self.is_open.store(true, Ordering::Release);
        Ok(())
    }

    async fn close(&self, _cx: &Context) -> Result<()> {
        self.is_open.store(false, Ordering::Release);
        // A push that has seen it open is done by now, so `drain` sees its message.
        self.lanes().values().for_each(|lane| drop(lane.waiting()));
        Ok(())
    }

    async fn drain(&self, _cx: &Context) -> Result<()> {
        let lanes: Vec<_> = self.lanes().values().cloned().collect();
        for lane in lanes {
            // A consumer that crashed handles nothing; its messages wait for the restart.
            lane.state.subscribe().wait_for(|state| state.length == 0 || state.is_broken).await?;
        }
        Ok(())
    }

    async fn stop(&self, _cx: &Context) -> Result<()> {
        self.settings.take();
        Ok(())
    }

    async fn health(&self) -> Health {
        let Some(settings) = self.settings.get() else { return Health::fail("not started") };
        match self.lanes().values().find(|lane| lane.length() >= settings.capacity) {
            Some(lane) => Health::warn(format!("lane `{}` is full", lane.name)),
            None => Health::pass(),
        }
    }

    fn info(&self) -> Map<String, Value> {
        self.lanes().iter().map(|(name, lane)| ((*name).to_owned(), lane.length().into())).collect()
    }
}

impl Lane {
    /// Handles one message after the other until it is cancelled by the stop.
    async fn consume(&self, cx: &Context, retry_after: &Setting<Duration>) -> Result<()> {
        // A new consumer for a broken one: this is the restart.
        self.state.send_modify(|state| state.is_broken = false);
        let mut state = self.state.subscribe();
        loop {
            let is_broken = state.wait_for(|state| state.length > 0 || state.is_broken).await?.is_broken;
            if is_broken {
                return Err(Error::msg(format!("the consumer of `{}` is broken", self.name)));
            }
            let Some(body) = self.waiting().front().cloned() else { continue };
            // Ids in the log, a canonical line, figures; and a panic ends only this message.
            let unit = cx.unit("message").field("lane", self.name);
            match unit.run((self.handler)(Mail { body })).await {
                Ok(()) => {
                    let mut waiting = self.waiting();
                    waiting.pop_front();
                    self.state.send_modify(|state| state.length = waiting.len());
                }
                Err(_) => tokio::time::sleep(retry_after.get()).await,
            }
        }
    }

    fn length(&self) -> usize {
        self.state.borrow().length
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Value>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
