//! What is let through at all: asked for every line, so the answer is two loads in the usual case.
//!
//! `tracing` remembers per call site whether anybody wants it. That memory is shared by all services of the process,
//! so every change here makes it ask again.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU8, Ordering},
};

use arc_swap::ArcSwap;
use tracing_core::{Interest, Level, LevelFilter, callsite};

use super::levels::Levels;
use crate::unit::Kind;

/// The gates of all services that live.
static GATES: Mutex<Vec<Arc<Gate>>> = Mutex::new(Vec::new());

/// The levels of one service, changed at run time.
#[derive(Debug)]
pub(crate) struct Gate {
    levels: ArcSwap<Levels>,
    /// The most that is let through from anywhere, see [`rank`].
    most: AtomicU8,
    /// The same of the targets of canonical lines: every unit of work asks for its own, twice.
    canonical: [AtomicU8; Kind::TARGETS.len()],
}

impl Gate {
    /// A gate that the front ends know, until it is closed.
    pub(crate) fn open(levels: Levels) -> Arc<Self> {
        let most = AtomicU8::new(rank_of_filter(levels.most()));
        let canonical = Kind::TARGETS.map(|target| AtomicU8::new(rank_of_filter(levels.of(target))));
        let gate = Arc::new(Self { levels: ArcSwap::from_pointee(levels), most, canonical });
        gates(|gates| gates.push(Arc::clone(&gate)));
        rebuild();
        gate
    }

    /// Forgets the gate; what still asks it gets its last answers.
    pub(crate) fn close(self: &Arc<Self>) {
        gates(|gates| gates.retain(|gate| !Arc::ptr_eq(gate, self)));
        rebuild();
    }

    /// Other levels from now on.
    pub(crate) fn set(&self, levels: Levels) {
        self.most.store(rank_of_filter(levels.most()), Ordering::Relaxed);
        for (place, target) in self.canonical.iter().zip(Kind::TARGETS) {
            place.store(rank_of_filter(levels.of(target)), Ordering::Relaxed);
        }
        self.levels.store(Arc::new(levels));
        rebuild();
    }

    /// Whether anything is logged at a level.
    pub(crate) fn may_be_enabled(&self, level: Level) -> bool {
        rank(level) <= self.most.load(Ordering::Relaxed)
    }

    /// Whether a target is logged at a level.
    pub(crate) fn is_enabled(&self, level: Level, target: &str) -> bool {
        self.may_be_enabled(level) && self.levels.load().is_enabled(level, target)
    }

    /// Whether the canonical lines of units of that kind are logged at a level.
    pub(crate) fn tells(&self, level: Level, kind: Kind) -> bool {
        rank(level) <= self.canonical[kind.place()].load(Ordering::Relaxed)
    }

    /// The levels as they are now.
    pub(crate) fn levels(&self) -> Arc<Levels> {
        self.levels.load_full()
    }
}

/// Whether a call site is wanted by all services, by none, or has to ask each time.
pub(crate) fn interest(level: Level, target: &str) -> Interest {
    gates(|gates| {
        let wanting = gates.iter().filter(|gate| gate.is_enabled(level, target)).count();
        match wanting {
            0 => Interest::never(),
            all if all == gates.len() => Interest::always(),
            _ => Interest::sometimes(),
        }
    })
}

/// The most that any service wants from anywhere.
pub(crate) fn most() -> LevelFilter {
    gates(|gates| gates.iter().map(|gate| gate.levels.load().most()).max().unwrap_or(LevelFilter::OFF))
}

/// Makes both front ends ask again.
pub(crate) fn rebuild() {
    log::set_max_level(log_filter(most()));
    // Not while the gates are locked: this asks `interest` for every call site.
    callsite::rebuild_interest_cache();
}

fn gates<T>(f: impl FnOnce(&mut Vec<Arc<Gate>>) -> T) -> T {
    f(&mut GATES.lock().unwrap_or_else(PoisonError::into_inner))
}

fn log_filter(most: LevelFilter) -> log::LevelFilter {
    match most.into_level() {
        None => log::LevelFilter::Off,
        Some(Level::ERROR) => log::LevelFilter::Error,
        Some(Level::WARN) => log::LevelFilter::Warn,
        Some(Level::INFO) => log::LevelFilter::Info,
        Some(Level::DEBUG) => log::LevelFilter::Debug,
        Some(_) => log::LevelFilter::Trace,
    }
}

/// Levels as numbers that fit an atomic; the more verbose, the larger.
fn rank(level: Level) -> u8 {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        _ => 5,
    }
}

fn rank_of_filter(filter: LevelFilter) -> u8 {
    filter.into_level().map_or(0, rank)
}

#[cfg(test)]
mod tests {
    use super::{super::levels::LogLevel, *};

    #[test]
    fn canonical_lines_are_told_as_their_targets_are() {
        let gate = Gate::open(Levels::new(LogLevel::Info, []));
        let agree = |named: &[(&str, LogLevel)]| {
            for kind in [Kind::Request, Kind::Message, Kind::Job, Kind::Tick, Kind::Other("import")] {
                for level in [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE] {
                    let is_enabled = gate.is_enabled(level, kind.target());
                    assert_eq!(gate.tells(level, kind), is_enabled, "{kind:?} {level} {named:?}");
                }
            }
        };
        agree(&[]);
        for named in [
            &[("chassis::message", LogLevel::Warn)][..],
            &[("chassis", LogLevel::Off), ("chassis::tick", LogLevel::Trace)],
            &[("root", LogLevel::Trace), ("chassis::unit", LogLevel::Error)],
        ] {
            gate.set(Levels::new(LogLevel::Info, named.iter().copied()));
            agree(named);
        }
        gate.close();
    }
}
