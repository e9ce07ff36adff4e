//! A resource that writes down what happens to it, and misbehaves as told.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use chassis::{Context, Error, Health, Resource, Result, lifecycle::Phase};
use tokio::sync::Notify;

/// What happened to the probes of one test, in order: `start db`, `stop db`.
#[derive(Debug, Clone, Default)]
pub struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    /// Adds a line.
    pub fn write(&self, line: impl Into<String>) {
        self.lock().push(line.into());
    }

    /// The lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.lock().clone()
    }

    /// The names of those that went through `hook`, in order.
    pub fn of(&self, hook: &str) -> Vec<String> {
        let prefix = format!("{hook} ");
        self.lock().iter().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect()
    }

    /// Where a line stands.
    ///
    /// # Panics
    /// When it is not there: a test asks only for what must have happened.
    pub fn at(&self, line: &str) -> usize {
        let lines = self.lines();
        lines.iter().position(|found| found == line).unwrap_or_else(|| panic!("no `{line}` in {lines:?}"))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a hook misbehaves.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// Its peer is not there.
    Unavailable,
    /// It fails.
    Crash,
    /// Its settings are wrong.
    Misconfigured,
    /// It panics.
    Panic,
    /// It never ends.
    Hang,
}

/// A resource that writes down what happens to it, and misbehaves as told.
#[derive(Debug, Default)]
pub struct Probe {
    /// Where it writes.
    pub journal: Journal,
    faults: Mutex<BTreeMap<Phase, (Fault, u32)>>,
    is_ill: AtomicBool,
    starts: AtomicU32,
    crash: Arc<Notify>,
    context: Mutex<Option<Context>>,
}

impl Probe {
    /// One that writes into `journal`.
    pub fn new(journal: &Journal) -> Self {
        Self { journal: journal.clone(), ..Self::default() }
    }

    /// Misbehaves in a phase, every time.
    #[must_use]
    pub fn fault(self, phase: Phase, fault: Fault) -> Self {
        self.fault_times(phase, fault, u32::MAX)
    }

    /// Misbehaves in a phase, the first `times` times.
    #[must_use]
    pub fn fault_times(self, phase: Phase, fault: Fault, times: u32) -> Self {
        self.set_fault(phase, fault, times);
        self
    }

    /// Changes its behaviour while the service runs.
    pub fn set_fault(&self, phase: Phase, fault: Fault, times: u32) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).insert(phase, (fault, times));
    }

    /// Lets its background work fail.
    pub fn crash(&self) {
        self.crash.notify_one();
    }

    /// Says something of itself, as its own code would.
    pub fn report(&self, condition: impl Into<chassis::Condition>) {
        if let Some(cx) = &*self.context.lock().unwrap_or_else(PoisonError::into_inner) {
            cx.report(condition);
        }
    }

    /// Makes it answer that it is ill, or well.
    pub fn set_ill(&self, is_ill: bool) {
        self.is_ill.store(is_ill, Ordering::Release);
    }

    /// How often `start` was called.
    pub fn starts(&self) -> u32 {
        self.starts.load(Ordering::Acquire)
    }

    async fn pass(&self, phase: Phase, cx: &Context) -> Result<()> {
        self.journal.write(format!("{phase} {}", cx.name()));
        let fault = {
            let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
            match faults.get_mut(&phase) {
                Some((fault, times)) if *times > 0 => {
                    *times -= 1;
                    Some(*fault)
                }
                _ => None,
            }
        };
        match fault {
            None => Ok(()),
            Some(Fault::Unavailable) => Err(Error::unavailable(Error::msg("peer is away"))),
            Some(Fault::Crash) => Err(Error::msg("broken")),
            Some(Fault::Misconfigured) => Err(Error::misconfigured(Error::msg("wrong password"))),
            Some(Fault::Panic) => panic!("probe panics in {phase}"),
            Some(Fault::Hang) => std::future::pending().await,
        }
    }
}

impl Resource for Probe {
    type Settings = ();

    async fn pre_start(&self, cx: &Context) -> Result<()> {
        self.pass(Phase::PreStart, cx).await
    }

    async fn start(&self, cx: &Context, (): ()) -> Result<()> {
        self.starts.fetch_add(1, Ordering::AcqRel);
        *self.context.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.clone());
        self.pass(Phase::Start, cx).await?;
        let crash = Arc::clone(&self.crash);
        cx.spawn("heart", async move {
            crash.notified().await;
            Err::<(), _>(Error::msg("heart stopped"))
        });
        Ok(())
    }

    async fn post_start(&self, cx: &Context) -> Result<()> {
        self.pass(Phase::PostStart, cx).await
    }

    async fn open(&self, cx: &Context) -> Result<()> {
        self.pass(Phase::Open, cx).await
    }

    async fn close(&self, cx: &Context) -> Result<()> {
        self.pass(Phase::Close, cx).await
    }

    async fn drain(&self, cx: &Context) -> Result<()> {
        self.pass(Phase::Drain, cx).await
    }

    async fn stop(&self, cx: &Context) -> Result<()> {
        *self.context.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.pass(Phase::Stop, cx).await
    }

    async fn post_stop(&self, cx: &Context) -> Result<()> {
        self.pass(Phase::PostStop, cx).await
    }

    async fn health(&self) -> Health {
        if self.is_ill.load(Ordering::Acquire) { Health::fail("ill") } else { Health::pass() }
    }
}
