//! How fast messages go, and what each costs this process: one clock for both sides of a comparison.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::Notify;

/// How fast something went.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Messages in a second.
    pub rate: f64,
    /// Microseconds of CPU for each.
    pub cpu: f64,
}

/// A moment, and how much this process had worked by then.
#[derive(Debug, Clone, Copy)]
pub struct Lap {
    began: Instant,
    cpu: Duration,
}

/// The way from the first message to the last one, wherever they are counted; or from an earlier beginning.
#[derive(Debug, Default)]
pub struct Course {
    count: AtomicU64,
    begun: Mutex<Option<Lap>>,
    ended: Mutex<Option<Pace>>,
    done: Notify,
}

impl Lap {
    /// Now.
    #[allow(clippy::disallowed_methods, reason = "what is measured is real time")]
    pub fn begin() -> Self {
        Self { began: Instant::now(), cpu: cpu() }
    }

    /// How fast so many messages went since then.
    pub fn end(self, messages: u64) -> Pace {
        let (took, cpu) = (self.began.elapsed(), cpu().saturating_sub(self.cpu));
        Pace { rate: messages as f64 / took.as_secs_f64(), cpu: cpu.as_secs_f64() * 1e6 / messages as f64 }
    }
}

impl Course {
    /// The way begins here, and not with the first message: where nothing lies there beforehand, to send is part of it.
    /// Whoever lets more wait on its way would otherwise have sent it before the clock runs.
    pub fn begin(&self) {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Lap::begin);
    }

    /// A message is here; `of` are expected.
    pub fn one(&self, of: u64) {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        if count == 1 {
            self.begin();
        }
        if count == of {
            let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).take();
            let pace = begun.map(|begun| begun.end(of));
            *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = pace;
            self.done.notify_one();
        }
    }

    /// Waits for the last message.
    ///
    /// # Panics
    ///
    /// When nothing was begun by then: the last of few messages was counted while the first one looked at the clock.
    pub async fn end(&self) -> Pace {
        self.done.notified().await;
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        ended.unwrap_or_else(|| panic!("one message has no pace"))
    }
}

/// Prints how fast both went, the medians of all rounds, and how many times as fast as theirs ours did, the median of what
/// the rounds say; `missed` stands where that is less than `least`.
///
/// # Panics
///
/// When there were no rounds, or more of the one than of the other.
pub fn compare(what: &str, (name, theirs): (&str, &[Pace]), ours: &[Pace], least: f64) {
    assert_eq!(theirs.len(), ours.len());
    let ratio = |of: fn(&Pace) -> f64| median(theirs.iter().zip(ours).map(|(theirs, ours)| of(ours) / of(theirs)));
    let (times, cost) = (ratio(|pace| pace.rate), ratio(|pace| pace.cpu));
    let of = |paces: &[Pace]| {
        let (rate, cpu) = (median(paces.iter().map(|pace| pace.rate)), median(paces.iter().map(|pace| pace.cpu)));
        format!("{rate:8.0} {cpu:7.2}")
    };
    let (theirs, ours) = (of(theirs), of(ours));
    let missed = if times < least { " missed" } else { "" };
    println!("{what:44} {name:>17} {theirs}   chassis {ours}   {times:5.2} × (CPU {cost:4.2} ×)  ≥ {least:.2}{missed}");
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// How much this process has worked.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}
