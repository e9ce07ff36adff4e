//! Pushes under load while brokers fail, and what became of each.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chassis::{
    Microservice, Running,
    logging::Logs,
    messaging::{Failure, Offers, PushPull, engine::Engine},
};
use chassis_tests::Proxy;
use serde_json::Value;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use super::{
    services::{Job, Sender},
    sights::Sights,
};

/// Pushes as fast as it is confirmed, several at a time, until it is told to end.
pub(crate) struct Load {
    ends: Arc<AtomicBool>,
    known: Arc<Mutex<Known>>,
    pushers: Vec<JoinHandle<()>>,
    began: Instant,
}

/// What a network does to connections.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Cut,
    Reset,
    /// Nothing ends, and nothing goes through.
    BlackHole,
    /// Little goes through.
    Slow,
}

#[derive(Default)]
struct Known {
    next: u64,
    confirmed: BTreeSet<u64>,
    /// They may have arrived.
    unknown: BTreeSet<u64>,
    not_sent: usize,
    last: Option<Instant>,
}

impl Load {
    pub(crate) fn begin<E: Engine + Offers<PushPull>>(sender: &Running<Sender<E>>, pushers: usize) -> Self {
        let (ends, known) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Known::default())));
        let push = |_| {
            let (service, ends, known) = (Arc::clone(sender.service()), Arc::clone(&ends), Arc::clone(&known));
            tokio::spawn(async move {
                while !ends.load(Ordering::Relaxed) {
                    let id = {
                        let mut known = known.lock().unwrap();
                        known.next += 1;
                        known.next
                    };
                    let pushed = service.broker.push("jobs", &Job::new(id)).timeout(Duration::from_secs(60)).await;
                    let mut known = known.lock().unwrap();
                    match pushed {
                        Ok(()) => {
                            known.confirmed.insert(id);
                            known.last = Some(Instant::now());
                        }
                        Err(error) => match error.find::<Failure>() {
                            Some(Failure::Unknown(_)) => drop(known.unknown.insert(id)),
                            Some(Failure::NotSent(_)) => known.not_sent += 1,
                            _ => panic!("{error:#}"),
                        },
                    }
                }
            })
        };
        Self { pushers: (0..pushers).map(push).collect(), ends, known, began: Instant::now() }
    }

    pub(crate) fn confirmed(&self) -> usize {
        self.known.lock().unwrap().confirmed.len()
    }

    /// Waits until more is confirmed than now, and tells how long that took.
    pub(crate) async fn goes_on(&self) -> Duration {
        let (began, before) = (Instant::now(), self.confirmed());
        let goes_on = timeout(Duration::from_secs(60), async {
            while self.confirmed() <= before {
                sleep(Duration::from_millis(2)).await;
            }
        });
        goes_on.await.expect("nothing is confirmed any more");
        began.elapsed()
    }

    /// Breaks the connections that go through a proxy for a while, and tells how long it then took until more was confirmed.
    pub(crate) async fn goes_on_after(&self, fault: Fault, proxy: &Proxy) -> Duration {
        match fault {
            Fault::Cut => proxy.cut(),
            Fault::Reset => proxy.reset(),
            Fault::BlackHole => proxy.swallow(),
            Fault::Slow => proxy.slow(),
        }
        let lasts = match fault {
            Fault::Cut | Fault::Reset => Duration::from_millis(500),
            // Longer than it takes to be missed.
            Fault::BlackHole => Duration::from_secs(6),
            Fault::Slow => {
                self.goes_on().await;
                Duration::from_secs(3)
            }
        };
        sleep(lasts).await;
        if fault == Fault::Slow {
            self.goes_on().await;
        }
        proxy.heal();
        self.goes_on().await
    }

    /// The end of a test of that many faults: all that was confirmed is handled, half of the recoveries took two seconds
    /// at most, and both services have told of the outages. Stops them, and tells how many messages were handled more
    /// than once.
    pub(crate) async fn end_after<S: Microservice, W: Microservice>(
        self,
        faults: usize,
        recoveries: Vec<Duration>,
        sights: &Sights,
        (sender, worker): (Running<S>, Running<W>),
    ) -> usize {
        let began = self.began;
        let twice = self.end(sights).await;
        let (median, longest) = (median(recoveries.clone()), recoveries.iter().max().copied());
        eprintln!("{faults} faults in {:?}, recovery {median:?}, at most {longest:?}", began.elapsed());
        assert!(median <= Duration::from_secs(2), "{recoveries:?}");
        for (who, logs) in [("sender", sender.logs()), ("worker", worker.logs())] {
            outages_are_told(who, &logs, faults, began).await;
        }
        worker.stop().await.unwrap();
        sender.stop().await.unwrap();
        twice
    }

    /// Ends it, waits until all that was confirmed is handled, and tells how many were handled more than once.
    pub(crate) async fn end(self, sights: &Sights) -> usize {
        self.ends.store(true, Ordering::Relaxed);
        for pusher in self.pushers {
            pusher.await.unwrap();
        }
        let known = std::mem::take(&mut *self.known.lock().unwrap());
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let seen = sights.counts();
            let lost: Vec<u64> = known.confirmed.iter().copied().filter(|id| !seen.contains_key(id)).collect();
            if lost.is_empty() {
                let strangers: Vec<_> = seen.keys().filter(|id| !known.confirmed.contains(id)).collect();
                assert!(strangers.iter().all(|id| known.unknown.contains(id)), "not sent, and there: {strangers:?}");
                let twice = seen.values().filter(|count| **count > 1).count();
                let (confirmed, unknown) = (known.confirmed.len(), known.unknown.len());
                eprintln!("{confirmed} confirmed, {unknown} unknown, {twice} handled more than once");
                return twice;
            }
            let first = &lost[..lost.len().min(20)];
            assert!(Instant::now() < deadline, "{} confirmed messages are lost: {first:?}", lost.len());
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// What a service has logged besides the lines of its messages.
pub(crate) fn lines(records: Vec<Value>) -> Vec<String> {
    let others = records.into_iter().filter(|line| line["message"] != "MESSAGE" && line["level"] != "DEBUG");
    others.map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect()
}

/// How many outages were told, and how many ends of them.
pub(crate) fn outages(records: Vec<Value>) -> (usize, usize) {
    let lines = lines(records);
    let of = |part: &str| lines.iter().filter(|line| line.contains(part)).count();
    (of("has lost its peer"), of("has its peer back"))
}

/// Waits until the end of each outage is told, and looks at what a service has said since it began: of `faults` at most a
/// line each for the loss and the return, and not more than a line a second of everything together.
async fn outages_are_told(who: &str, logs: &Logs, faults: usize, began: Instant) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let elapsed = began.elapsed().as_secs() as usize;
    loop {
        let (lines, (lost, back)) = (lines(logs.captured()), outages(logs.captured()));
        if lost == back {
            // An outage that begins before all connections are back goes on with the one before.
            assert!((1..=faults).contains(&lost), "{who}: {lost} outages, {faults} faults: {lines:#?}");
            assert!(lines.len() <= elapsed + 5, "{who}: {} lines in {elapsed} s: {lines:#?}", lines.len());
            return;
        }
        assert!(Instant::now() < deadline, "{who}: {lost} outages, and {back} ends of them: {lines:#?}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// How many rounds a test of faults takes.
pub(crate) fn rounds(usual: usize) -> usize {
    std::env::var("CHASSIS_SOAK_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(usual)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
