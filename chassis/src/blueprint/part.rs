//! What is said of each part of a service: its resources, settings, tasks, timers and threads.

use std::{borrow::Cow, sync::Arc, time::Duration};

use super::{Bind, RunThread};
use crate::{
    leadership::{Arbiter, LeaderMethod},
    resource::ErasedResource,
    settings::{Bound, Declared, Names, Problems, Rules, Section, Unit},
    supervision::{OnGiveUp, Restart},
    tasks::{Overlap, Schedule, TimerId},
};

type Erase<S> = Box<dyn Fn(&Arc<S>) -> ErasedResource + Send + Sync>;
type Declare = Box<dyn Fn(&str) -> Declared + Send + Sync>;
type CheckSetting = Box<dyn Fn(&Section<'_>, &Names, Rules, &mut Problems) + Send + Sync>;

/// A field marked `#[resource]`.
pub struct ResourceSpec<S> {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) after: Cow<'static, [&'static str]>,
    pub(crate) is_critical: bool,
    pub(crate) erase: Erase<S>,
    pub(crate) declare: fn(&str) -> Declared,
}

/// A field marked `#[setting]`.
pub struct SettingSpec {
    pub(crate) name: &'static str,
    pub(super) about: &'static str,
    pub(super) aliases: &'static [&'static str],
    pub(crate) rules: Rules,
    pub(super) declare: Declare,
    pub(super) check: CheckSetting,
}

/// A method marked `#[task]`.
pub struct TaskSpec<S> {
    pub(crate) name: &'static str,
    pub(crate) run: Bind<S>,
    pub(crate) restart: Restart,
    pub(crate) on_give_up: OnGiveUp,
    pub(crate) stop_when_done: bool,
    /// Whether it takes `Shutdown`, and so ends by itself.
    pub(crate) takes_shutdown: bool,
    /// Whether it runs on the replica that leads.
    pub(crate) is_led: bool,
}

/// A method marked `#[task_timer]`.
pub struct TimerSpec<S> {
    pub(crate) id: TimerId,
    pub(crate) run: Bind<S>,
    pub(crate) schedule: Schedule,
    pub(crate) one_shot: bool,
    pub(crate) immediate: bool,
    pub(crate) autostart: bool,
    pub(crate) overlap: Overlap,
    pub(crate) jitter: Duration,
    /// Whether it ticks on the replica that leads.
    pub(crate) is_led: bool,
}

/// A method marked `#[thread]`.
pub struct ThreadSpec<S> {
    pub(crate) name: &'static str,
    pub(crate) run: Bind<S, RunThread>,
}

impl<S> ResourceSpec<S> {
    /// What the field's documentation says.
    pub fn about(&mut self, about: &'static str) -> &mut Self {
        self.about = about;
        self
    }

    /// The resources that are started before it.
    pub fn after(&mut self, names: impl Into<Cow<'static, [&'static str]>>) -> &mut Self {
        self.after = names.into();
        self
    }

    /// Says that the service is not ready without it.
    pub fn critical(&mut self) -> &mut Self {
        self.is_critical = true;
        self
    }
}

impl SettingSpec {
    /// What the field's documentation says.
    pub fn about(&mut self, about: &'static str) -> &mut Self {
        self.about = about;
        self
    }

    /// Other names that it may have in files.
    pub fn aliases(&mut self, aliases: &'static [&'static str]) -> &mut Self {
        self.aliases = aliases;
        self
    }

    /// Its least value.
    pub fn min(&mut self, min: impl Into<Bound>) -> &mut Self {
        self.rules.min = Some(min.into());
        self
    }

    /// Its greatest value.
    pub fn max(&mut self, max: impl Into<Bound>) -> &mut Self {
        self.rules.max = Some(max.into());
        self
    }

    /// What a bare number means, for a duration.
    pub fn unit(&mut self, unit: Unit) -> &mut Self {
        self.rules.unit = unit;
        self
    }

    pub(crate) fn names(&self) -> Names {
        Names::new(self.name).or(self.aliases)
    }

    /// The key below `section`, the service's own.
    pub(crate) fn declared(&self, section: &str) -> Declared {
        (self.declare)(&format!("{section}.{}", self.name)).rules(self.aliases, self.rules).about(self.about)
    }

    /// Reads it, for the problems alone.
    pub(crate) fn check(&self, section: &Section<'_>, problems: &mut Problems) {
        (self.check)(section, &self.names(), self.rules, problems);
    }
}

impl<S> TaskSpec<S> {
    /// When it is started again.
    pub fn restart(&mut self, restart: Restart) -> &mut Self {
        self.restart = restart;
        self
    }

    /// What happens once it is not started again.
    pub fn on_give_up(&mut self, on_give_up: OnGiveUp) -> &mut Self {
        self.on_give_up = on_give_up;
        self
    }

    /// The service stops once it is done.
    pub fn stop_when_done(&mut self) -> &mut Self {
        self.stop_when_done = true;
        self
    }

    /// It takes [`Shutdown`], so it has the stop budget to end by itself.
    pub fn takes_shutdown(&mut self) -> &mut Self {
        self.takes_shutdown = true;
        self
    }

    pub(crate) fn led(&self) -> Option<LeaderMethod> {
        self.is_led.then_some(LeaderMethod { name: self.name, section: "tasks" })
    }

    /// It runs on one replica only, elected by the arbiter.
    pub fn leader<A: Arbiter>(&mut self, _arbiter: A) -> &mut Self {
        self.is_led = true;
        self
    }
}

impl<S> TimerSpec<S> {
    /// It runs once.
    pub fn one_shot(&mut self) -> &mut Self {
        self.one_shot = true;
        self
    }

    /// It runs at its start too, not only after one interval.
    pub fn immediate(&mut self) -> &mut Self {
        self.immediate = true;
        self
    }

    /// Whether it starts with the service.
    pub fn autostart(&mut self, autostart: bool) -> &mut Self {
        self.autostart = autostart;
        self
    }

    /// What happens to a tick that is due while the one before still runs.
    pub fn overlap(&mut self, overlap: Overlap) -> &mut Self {
        self.overlap = overlap;
        self
    }

    /// The longest random delay of each tick.
    pub fn jitter(&mut self, jitter: Duration) -> &mut Self {
        self.jitter = jitter;
        self
    }

    pub(crate) fn led(&self) -> Option<LeaderMethod> {
        self.is_led.then_some(LeaderMethod { name: self.id.name(), section: "timers" })
    }

    /// It ticks on one replica only, elected by the arbiter.
    pub fn leader<A: Arbiter>(&mut self, _arbiter: A) -> &mut Self {
        self.is_led = true;
        self
    }
}
