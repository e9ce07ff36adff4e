//! The sockets of a service.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Map, Value, json};
use tokio::{
    net::TcpListener,
    sync::mpsc,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    arrival::CONTENT_TYPE,
    body,
    consumer::ZmqConsumer,
    directory::{Directory, Place, split},
    faults::Faults,
    held::Held,
    intake::Taker,
    pack,
    publisher::Publisher,
    pusher::Pusher,
    replyer::{Intaking, Replyer},
    requester::Requester,
    settings::ZmqSettings,
    workflow::WorkflowId,
    zmtp::{Link, Reach, Serve},
};
use crate::{
    Context, Error, Health, Result,
    messaging::{
        Failure, Incoming, Outgoing, Pattern,
        engine::{Connection, Intake},
    },
    metrics::{Counter, Labels, MeterOptions},
};

/// The sockets of a service.
pub struct ZmqConnection {
    cx: Context,
    settings: ZmqSettings,
    directory: Directory,
    /// The sockets that send, by pattern and name, each with its usual topic.
    outlets: BTreeMap<Pattern, BTreeMap<String, (Outlet, Option<String>)>>,
    /// Nothing is taken in any more.
    closing: CancellationToken,
    /// What waits is written, and then connections end.
    finishing: CancellationToken,
    tasks: TaskTracker,
    malformed: Counter<OfConnection<'static>>,
    sockets: Mutex<Vec<Known>>,
    /// Messages that nobody took any more at a stop.
    lost: Arc<AtomicU64>,
}

/// What is known of a socket.
struct Known {
    faults: Arc<Faults>,
    reach: Arc<Reach>,
    ending: CancellationToken,
}

/// A socket that sends.
#[derive(Clone)]
enum Outlet {
    Publisher(Arc<Publisher>),
    Pusher(Arc<Pusher>),
    Requester(Arc<Requester>),
}

#[derive(Labels)]
struct OfConnection<'a> {
    broker: &'a str,
    connection: &'a str,
}

/// How long a handler waits to be known to who sends to it, once that is reached.
const KNOWING: Duration = Duration::from_millis(300);
/// How long a handler waits for the first attempt to reach who sends to it.
const REACHING: Duration = Duration::from_secs(1);
/// How long an address may still be in use by a socket of ours that has just ended.
const REBINDING: Duration = Duration::from_millis(500);

impl ZmqConnection {
    /// Makes the sockets that send.
    pub(super) async fn new(cx: &Context, settings: ZmqSettings) -> Result<Self> {
        let directory = Directory::new(&settings)?;
        let help = "Messages and connections that are not what this wire has, or could not be kept.";
        let malformed = cx.metrics().meter(MeterOptions::new("messaging_malformed", help).without_prefix())?;
        let mut connection = Self {
            cx: cx.clone(),
            settings,
            directory,
            outlets: BTreeMap::new(),
            closing: CancellationToken::new(),
            finishing: CancellationToken::new(),
            tasks: TaskTracker::new(),
            malformed,
            sockets: Mutex::default(),
            lost: Arc::default(),
        };
        let mut publishers = Vec::new();
        for (name, pattern, place) in connection.directory.outlets() {
            let link = connection.link(&name, &place, connection.finishing.clone());
            let (mark, finishing) = (connection.settings.high_water_mark, connection.finishing.clone());
            let faults = Arc::clone(&link.faults);
            let outlet = match pattern {
                Pattern::PublishSubscribe => {
                    let publisher = Arc::new(Publisher::new(mark, faults, finishing));
                    publishers.push((Arc::clone(&publisher), place.binds));
                    connection.run(link, place.binds, Arc::clone(&publisher)).await?;
                    Outlet::Publisher(publisher)
                }
                Pattern::PushPull => {
                    let pusher = Arc::new(Pusher::new(mark, finishing));
                    connection.run(link, place.binds, Arc::clone(&pusher)).await?;
                    Outlet::Pusher(pusher)
                }
                Pattern::RequestResponse => {
                    let requester = Arc::new(Requester::new(mark, faults, finishing));
                    connection.run(link, place.binds, Arc::clone(&requester)).await?;
                    Outlet::Requester(requester)
                }
            };
            connection.outlets.entry(pattern).or_default().insert(name, (outlet, place.topic));
        }
        let until = Instant::now() + connection.settings.wait_after_creation;
        for (publisher, binds) in publishers {
            // One that goes to its subscriber knows that it has come; to one that listens more may come.
            let mut subscriptions = publisher.subscriptions.subscribe();
            tokio::select! {
                _ = subscriptions.wait_for(|count| !binds && *count > 0) => {}
                () = sleep_until(until) => {}
            }
        }
        Ok(connection)
    }

    fn link(&self, name: &str, place: &Place, ending: CancellationToken) -> Link {
        let labels = OfConnection { broker: self.cx.name(), connection: name };
        let what = format!("{} of `{name}`", place.kind.name());
        let faults = Arc::new(Faults::new(what, self.malformed.handle(&labels)));
        let reach = Arc::new(Reach::new());
        let mut sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        sockets.retain(|known| !known.ending.is_cancelled());
        let known = Known { faults: Arc::clone(&faults), reach: Arc::clone(&reach), ending: ending.clone() };
        sockets.push(known);
        Link {
            kind: place.kind,
            address: place.address.clone(),
            limit: self.settings.max_frame_size.as_u64(),
            rest: (self.settings.reconnect_interval, self.settings.max_reconnect_interval),
            faults,
            reach,
            ending,
            tasks: self.tasks.clone(),
        }
    }

    /// Lets a socket do its work: with those who come to it, or with the one it goes to.
    async fn run<S: Serve>(&self, link: Link, binds: bool, socket: Arc<S>) -> Result<()> {
        if binds {
            let listener = listen(&link).await?;
            let accepting = link.accept(listener, self.cx.clone(), socket);
            self.cx.spawn_detached(self.tasks.track_future(accepting));
        } else {
            self.cx.spawn_detached(self.tasks.track_future(link.dial(socket)));
        }
        Ok(())
    }

    /// The socket that sends to a name, and the topic.
    fn outlet<'a>(&'a self, pattern: Pattern, name: &'a str) -> Result<(&'a Outlet, Option<&'a str>)> {
        let (connection, topic) = split(name);
        let found = self.outlets.get(&pattern).and_then(|outlets| outlets.get(connection));
        let (outlet, usual) = found.ok_or_else(|| {
            let socket = match pattern {
                Pattern::PublishSubscribe => "publisher",
                Pattern::PushPull => "pusher",
                Pattern::RequestResponse => "requester",
            };
            Failure::Refused(format!("there is no address `addresses.out.{connection}.{socket}`")).into_error()
        })?;
        Ok((outlet, topic.or(usual.as_deref()).filter(|topic| !topic.is_empty())))
    }

    fn pushers(&self) -> impl Iterator<Item = &Pusher> {
        self.outlets.values().flat_map(BTreeMap::values).filter_map(|(outlet, _)| match outlet {
            Outlet::Pusher(pusher) => Some(&**pusher),
            Outlet::Publisher(_) | Outlet::Requester(_) => None,
        })
    }
}

/// Listens, also where a socket of ours has listened a moment ago.
async fn listen(link: &Link) -> Result<TcpListener> {
    let until = Instant::now() + REBINDING;
    loop {
        match link.listen().await {
            Err(error) if is_in_use(&error) && Instant::now() < until => sleep(Duration::from_millis(20)).await,
            result => return result,
        }
    }
}

fn is_in_use(error: &Error) -> bool {
    error.find::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
}

/// The arguments of a message, as they go onto the wire.
///
/// # Errors
/// When they are no MessagePack.
fn args(message: &Outgoing) -> Result<&[u8]> {
    if message.content_type != CONTENT_TYPE {
        let why = format!("it is written in `{}`, and this wire is MessagePack", message.content_type);
        return Err(Failure::Refused(why).into_error());
    }
    if pack::length(&message.body) != Some(message.body.len()) {
        return Err(Failure::Refused("it is not one value in MessagePack".to_owned()).into_error());
    }
    Ok(&message.body)
}

impl Connection for ZmqConnection {
    type Consumer = ZmqConsumer;

    async fn consume(&self, intake: &Intake) -> Result<ZmqConsumer> {
        let place = self.directory.intake(intake.pattern, &intake.name)?;
        let (inbox, arrivals) = mpsc::channel(intake.prefetch.max(1));
        let ending = self.closing.child_token();
        let link = self.link(&intake.name, &place, ending.clone());
        let reach = Arc::clone(&link.reach);
        let socket = Intaking {
            inbox,
            faults: Arc::clone(&link.faults),
            closing: self.closing.clone(),
            finishing: self.finishing.clone(),
            high_water_mark: self.settings.high_water_mark,
        };
        if intake.pattern == Pattern::RequestResponse {
            self.run(link, place.binds, Arc::new(Replyer(socket))).await?;
        } else {
            let subscription = (intake.pattern == Pattern::PublishSubscribe).then(|| {
                let mut prefix = Vec::new();
                if let Some(topic) = &place.topic {
                    pack::write_text(&mut prefix, topic);
                }
                prefix.into()
            });
            let socket = Intaking { finishing: ending.clone(), ..socket };
            let taker = Arc::new(Taker::new(socket, subscription, self.settings.linger));
            self.run(link, place.binds, Arc::clone(&taker)).await?;
            // What is sent from now on is to come here.
            if !place.binds && timeout(REACHING, reach.first()).await.unwrap_or_default() {
                let mut is_known = taker.is_known.subscribe();
                // Some do not say so.
                let _ = timeout(KNOWING, is_known.wait_for(|is_known| *is_known)).await;
            }
        }
        let held = Held::new(self.closing.clone(), Arc::clone(&self.lost));
        let takes_the_rest = intake.pattern != Pattern::RequestResponse;
        Ok(ZmqConsumer::new(arrivals, held, takes_the_rest, self.settings.high_water_mark, ending.drop_guard()))
    }

    async fn send(&self, pattern: Pattern, name: &str, message: Outgoing, until: Instant) -> Result<()> {
        let (outlet, topic) = self.outlet(pattern, name)?;
        let key = message.key.as_deref().map(str::from_utf8).transpose();
        let key = key.map_err(|_| Failure::Refused("its key is its topic, and no text".to_owned()).into_error())?;
        let args = args(&message)?;
        let workflow_id = WorkflowId::of_call();
        let frame = body::call(key.or(topic), args, &workflow_id);
        match outlet {
            Outlet::Publisher(publisher) => {
                publisher.publish(frame.bytes()).await;
                Ok(())
            }
            Outlet::Pusher(pusher) => pusher.push(frame, until).await,
            Outlet::Requester(_) => Err(Failure::Refused("a request is asked, not sent".to_owned()).into_error()),
        }
    }

    async fn request(&self, name: &str, message: Outgoing, until: Instant) -> Result<Incoming> {
        let (Outlet::Requester(requester), _) = self.outlet(Pattern::RequestResponse, name)? else {
            return Err(Failure::Refused("nobody is asked by this socket".to_owned()).into_error());
        };
        let args = args(&message)?;
        requester.request(body::call(None, args, &WorkflowId::of_call()), until).await
    }

    async fn close(&self) -> Result<()> {
        self.closing.cancel();
        Ok(())
    }

    async fn stop(&self) -> Result<()> {
        self.closing.cancel();
        let until = Instant::now() + self.settings.linger;
        let pushers: Vec<_> = self.pushers().collect();
        for pusher in &pushers {
            tokio::select! {
                () = pusher.emptied() => {}
                () = sleep_until(until) => {}
            }
        }
        self.finishing.cancel();
        self.tasks.close();
        tokio::select! {
            () = self.tasks.wait() => {}
            () = sleep_until(until) => {}
        }
        let unsent: usize = pushers.iter().map(|pusher| pusher.len()).sum();
        let untaken = self.lost.swap(0, Ordering::Relaxed);
        if unsent > 0 || untaken > 0 {
            tracing::warn!("{unsent} messages that nobody pulled, and {untaken} that were to be tried again, are lost");
        }
        Ok(())
    }

    /// What nobody pulls is lost with this process.
    fn keeps(&self) -> bool {
        false
    }

    fn carries_headers(&self) -> bool {
        false
    }

    fn health(&self) -> Health {
        let sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        let trouble = |Known { faults, reach, ending }: &Known| {
            let trouble = reach.trouble().filter(|_| !ending.is_cancelled())?;
            Some(format!("{} is not reached: {trouble}", faults.what))
        };
        let trouble: Vec<_> = sockets.iter().filter_map(trouble).collect();
        if trouble.is_empty() { Health::pass() } else { Health::warn(trouble.join("; ")) }
    }

    fn info(&self) -> Map<String, Value> {
        let sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        let socket = |Known { faults, reach, ending: _ }: &Known| {
            (faults.what.to_string(), json!({ "peers": reach.peers(), "malformed": faults.count() }))
        };
        let waiting: usize = self.pushers().map(Pusher::len).sum();
        Map::from_iter([
            ("sockets".to_owned(), Value::Object(sockets.iter().map(socket).collect())),
            ("waiting".to_owned(), waiting.into()),
        ])
    }
}

impl fmt::Debug for ZmqConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZmqConnection").field("directory", &self.directory).finish_non_exhaustive()
    }
}
