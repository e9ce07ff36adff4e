//! Workers that are processes of their own, and what they have noted: a process that is killed forgets nothing of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::Read as _,
    ops::Range,
    path::Path,
    sync::Arc,
    time::Duration,
};

use chassis::{
    Running,
    messaging::{Offers, PushPull, engine::Engine},
};
use chassis_tests::Program;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    task::block_in_place,
    time::{Instant, sleep, timeout},
};

use super::{load::rounds, services::Sender};

/// Workers that share a queue, and their notes.
pub(crate) struct Workshop {
    folder: TempDir,
    notes: File,
    /// What was read of a line that is not there as a whole yet.
    rest: String,
    /// In the order in which they were begun, and done.
    pub(crate) begun: Vec<u64>,
    pub(crate) done: Vec<u64>,
    /// Which were begun, however often.
    known: BTreeSet<u64>,
}

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

impl Workshop {
    /// Workers at this broker, that take so long for a message on average; some messages fail, as the worker says.
    pub(crate) fn new(broker: Value, pace: Duration, fails: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let notes = folder.path().join("notes");
        let file = File::options().create(true).append(true).read(true).open(&notes).unwrap();
        let worker = json!({ "notes": notes, "pace": format!("{}ms", pace.as_millis()), "fails": fails });
        let settings = json!({ "system": {
            "resources": { "broker": broker, "status": { "port": 0 } },
            "lifecycle": { "stop_timeout": "10s" },
            "logging": { "levels": { "chassis::resources": "debug" } },
            "microservices": { "worker": worker },
        } });
        fs::write(folder.path().join("settings.json"), settings.to_string()).unwrap();
        let (rest, begun, done, known) = (String::new(), Vec::new(), Vec::new(), BTreeSet::new());
        Self { folder, notes: file, rest, begun, done, known }
    }

    /// Another worker.
    pub(crate) fn start(&self) -> chassis_tests::Running {
        let settings = self.folder.path().join("settings.json");
        Program::at(Path::new(env!("CARGO_BIN_EXE_worker"))).arg("--settings").arg(settings).start()
    }

    /// Kills a worker so many times at its work, each time when it has begun a `portion` of messages that nobody had;
    /// `killed` looks at what it left. There is always more to do, but never much more, for which some brokers become
    /// slow. Gives the one that lives, and how many messages there are in all.
    pub(crate) async fn kill<E: Engine + Offers<PushPull>>(
        &mut self,
        sender: &Running<Sender<E>>,
        kills: usize,
        portion: u64,
        mut killed: impl FnMut(&Self),
    ) -> (chassis_tests::Running, u64) {
        let mut all = 2 * portion;
        push_all(sender, 0..all, 64).await;
        let mut service = self.start();
        for kill in 1..=kills {
            let due = self.known.len() + portion as usize;
            self.until("work", |shop| shop.known.len() >= due).await;
            service.kill();
            block_in_place(|| service.wait());
            self.read();
            killed(self);
            service = self.start();
            if kill < kills {
                push_all(sender, all..all + portion, 64).await;
                all += portion;
            }
        }
        (service, all)
    }

    /// Stops a worker with so many messages at work, again and again: what it has begun is done, nothing is done twice,
    /// and all is done in the end. `stopped` gets how many were pushed, and looks at the rest.
    pub(crate) async fn stop_at_work<E: Engine + Offers<PushPull>>(
        &mut self,
        sender: &Running<Sender<E>>,
        at_work: usize,
        mut stopped: impl FnMut(&Self, u64),
    ) {
        let (rounds, mut pushed, mut longest) = (rounds(5), 0, Duration::ZERO);
        for round in 0..rounds {
            // More than can be fetched.
            let more = (self.done.len() + at_work + 500) as u64;
            push_all(sender, pushed..more.max(pushed), 64).await;
            pushed = pushed.max(more);
            let service = self.start();
            let are_at_work = |shop: &Self| shop.begun.len() - shop.done.len() == at_work;
            self.until("messages at work", are_at_work).await;
            service.terminate();
            let exit = block_in_place(|| service.wait());
            self.read();
            assert_eq!(exit.code, Some(0), "round {round}:\n{}", exit.stdout);
            assert!(exit.took < Duration::from_secs(10), "round {round}: {:?}", exit.took);
            longest = longest.max(exit.took);
            assert_eq!(self.begun.len(), self.done.len(), "round {round}: what was begun is done");
            assert!(self.counts().values().all(|count| *count == 1), "round {round}: something was done again");
            stopped(self, pushed);
        }
        eprintln!("{rounds} stops with {at_work} messages at work, the longest took {longest:?}");
        let service = self.start();
        self.until_done(0..pushed).await;
        stop(service);
    }

    /// Reads what was noted since.
    pub(crate) fn read(&mut self) {
        let mut bytes = Vec::new();
        self.notes.read_to_end(&mut bytes).unwrap();
        self.rest.push_str(str::from_utf8(&bytes).unwrap());
        let whole = self.rest.rfind('\n').map_or(0, |end| end + 1);
        for line in self.rest[..whole].lines() {
            let (what, number) = line.split_once(' ').unwrap();
            let number = number.parse().unwrap();
            match what {
                "begun" => {
                    self.begun.push(number);
                    self.known.insert(number);
                }
                _ => self.done.push(number),
            }
        }
        self.rest.drain(..whole);
    }

    /// Waits until it is true of what was noted, as long as there is something new now and then.
    pub(crate) async fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let mut last = (0, Instant::now());
        loop {
            self.read();
            if holds(self) {
                return;
            }
            if last.0 != self.begun.len() + self.done.len() {
                last = (self.begun.len() + self.done.len(), Instant::now());
            }
            let (begun, done) = (self.begun.len(), self.done.len());
            assert!(last.1.elapsed() < PATIENCE, "{what} did not happen: {begun} begun, {done} done");
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits until each of these messages was done.
    pub(crate) async fn until_done(&mut self, all: impl Iterator<Item = u64> + Clone) {
        let count = all.clone().count();
        self.until("all done", |shop| shop.done.len() >= count).await;
        let mut last = (self.done.len(), Instant::now());
        loop {
            self.read();
            let counts = self.counts();
            let lost: Vec<_> = all.clone().filter(|number| !counts.contains_key(number)).take(20).collect();
            if lost.is_empty() {
                return;
            }
            if last.0 != self.done.len() {
                last = (self.done.len(), Instant::now());
            }
            assert!(last.1.elapsed() < PATIENCE, "confirmed messages are lost: {lost:?}");
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// How often each message was done.
    pub(crate) fn counts(&self) -> BTreeMap<u64, usize> {
        let mut counts = BTreeMap::new();
        for number in &self.done {
            *counts.entry(*number).or_default() += 1;
        }
        counts
    }

    /// How many messages were done again in each part of the notes; the parts end at these places.
    pub(crate) fn repeats(&self, parts: &[usize]) -> Vec<usize> {
        let (mut seen, mut repeats) = (BTreeMap::<u64, ()>::new(), vec![0; parts.len() + 1]);
        for (at, number) in self.done.iter().enumerate() {
            if seen.insert(*number, ()).is_some() {
                repeats[parts.partition_point(|part| *part <= at)] += 1;
            }
        }
        repeats
    }
}

/// Stops a worker that has nothing left to do.
pub(crate) fn stop(service: chassis_tests::Running) {
    service.terminate();
    assert_eq!(block_in_place(|| service.wait()).code, Some(0));
}

/// Pushes numbers, each of them confirmed, so many at the same time.
pub(crate) async fn push_all<E: Engine + Offers<PushPull>>(
    sender: &Running<Sender<E>>,
    numbers: Range<u64>,
    at_once: usize,
) {
    let lanes = (0..at_once).map(|lane| {
        let (service, numbers) = (Arc::clone(sender.service()), numbers.clone().skip(lane).step_by(at_once));
        tokio::spawn(async move {
            for number in numbers {
                service.broker.push("jobs", &number).timeout(PATIENCE).await.unwrap();
            }
        })
    });
    for lane in lanes.collect::<Vec<_>>() {
        lane.await.unwrap();
    }
}

/// Waits until each of these numbers is a dead letter of `jobs`.
pub(crate) async fn until_dead<E: Engine + Offers<PushPull>>(
    sender: &Running<Sender<E>>,
    numbers: impl Iterator<Item = u64>,
) {
    let mut missing: BTreeSet<u64> = numbers.collect();
    let mut letters = sender.service().broker.pull::<u64>("jobs.dead").await.unwrap();
    while !missing.is_empty() {
        let next = timeout(PATIENCE, letters.next()).await;
        let letter = next.unwrap_or_else(|_| panic!("dead letters are lost: {missing:?}")).unwrap().unwrap();
        missing.remove(&letter.message().body);
        letter.ack().await.unwrap();
    }
}

/// Whether a message fails for good, as the worker says.
pub(crate) fn is_hopeless(number: &u64) -> bool {
    number % 100 == 7
}

/// The memory that a process has at the moment, in MiB.
pub(crate) fn memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    resident.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() / 1024
}
