//! Changed settings, while the service runs: every part of the service agrees to them, then all of them take effect, or
//! none does.
//!
//! ```text
//! a source tells → it is loaded → the tree is merged and checked → resources `check` and `prepare`
//!   somebody refuses → told, counted, shown; the values before stay in force until the next change
//!   all agree → every `Setting` at once → `apply` of what follows live → a restart of what does not
//! ```
//!
//! A candidate is made of what all sources say now: one that was refused is looked at again with the next change, which
//! may be the other half of it. What is set at run time is a candidate by itself, and taken back where it is refused.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
    thread,
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{task::JoinSet, time::sleep};

use super::{Core, Engine, EventKind, News, Report};
use crate::{
    logging::LoggingSettings,
    settings::{Candidate, Change, Difference, KeyPath, Problem, Problems, Tree},
    supervision::Supervisor,
    tasks::{TimerSettings, catch, spawn},
};

/// Several writes within this are one change.
const BURST: Duration = Duration::from_micros(200);

/// How many keys are named in one line of the log.
const NAMED: usize = 8;

/// Follows the sources of the settings until it is cancelled.
pub(crate) async fn follow(engine: Arc<Engine>, supervisor: Arc<Supervisor>) {
    let core = Arc::clone(engine.core());
    let changed = Arc::clone(core.settings.changed());
    let mut following = JoinSet::new();
    for (number, source) in core.sources.iter().enumerate() {
        if let Some(follows) = source.follow(changed.of(number)) {
            let name = source.name();
            following.spawn(core.scope.wrap(async move {
                if let Err(error) = catch(follows.map(Ok)).await {
                    tracing::error!("settings of `{name}` are not followed any more: {error:#}");
                }
            }));
        }
    }
    let told = engine.started_with();
    let (owners, unread, restarts) = (owners(&core), BTreeSet::new(), JoinSet::new());
    let began = told.clone();
    let mut reload = Reload { engine, supervisor, core, owners, began, told, unread, restarts };
    loop {
        let sources = changed.next().await;
        if sources.is_empty() {
            // What the service itself set is in force already, and nobody waits for this look.
            sleep(BURST).await;
        } else {
            spawn::blocking(wait_for_burst).await;
        }
        reload.unread.extend(sources);
        reload.unread.extend(changed.take());
        // What resources do is caught where they are called; what is left is a source that panics.
        let taken = catch(async {
            reload.take_over().await;
            Ok(())
        });
        if let Err(error) = taken.await {
            tracing::error!("changed settings cannot be looked at: {error:#}; those before stay in force");
        }
    }
}

/// The runtime's own timers would wait until the next full millisecond but one.
#[allow(clippy::disallowed_methods, reason = "it holds up a thread that is there to be held up")]
fn wait_for_burst() {
    thread::sleep(BURST);
}

/// The settings of each resource in a candidate, of its own type.
type OfResources = Vec<Option<Box<dyn Any + Send + Sync>>>;

struct Reload {
    engine: Arc<Engine>,
    supervisor: Arc<Supervisor>,
    core: Arc<Core>,
    /// The resource whose settings each declaration is, if it is that of one.
    owners: Arc<[Option<usize>]>,
    /// The settings that the service started with.
    began: Tree,
    /// The settings that every part of the service works with.
    told: Tree,
    /// Sources that have changed since.
    unread: BTreeSet<usize>,
    /// Resources on their way to their changed settings. Nobody waits for them: one that cannot reach its peer with the
    /// settings it has gets others.
    restarts: JoinSet<()>,
}

impl Reload {
    /// Lets what was set, and what the sources say now, take effect if everybody agrees.
    async fn take_over(&mut self) {
        loop {
            // What is set at run time is a change by itself: neither is to be refused for the other's mistakes.
            let is_set = self.core.settings.has_news();
            if !is_set && self.unread.is_empty() {
                return;
            }
            let unread = if is_set { BTreeSet::new() } else { self.unread.clone() };
            let (candidate, settings, mut problems) = self.candidate(unread).await;
            let tree = candidate.tree();
            let differences = self.core.settings.differences(&tree, &self.told);
            if problems.is_empty() {
                self.prepare(&settings, &differences, &mut problems).await;
            }
            if !problems.is_empty() {
                if !is_set {
                    return self.refuse(&problems, &tree, &differences);
                }
                // Otherwise more was set meanwhile, and is looked at together with it.
                if self.core.settings.take_back(&candidate) {
                    self.tell_taken_back(&problems);
                }
                continue;
            }
            // Otherwise something was set meanwhile, and the candidate has to be made again.
            if self.core.settings.adopt(candidate) {
                self.told = tree;
                if !is_set {
                    self.unread.clear();
                    self.core.refuse(None);
                    self.core.settings.accepted(&self.core.sources);
                }
                self.apply(&differences).await;
            }
        }
    }

    /// Loads what has changed, and reads all of it for what is wrong with it.
    async fn candidate(&self, unread: BTreeSet<usize>) -> (Candidate, OfResources, Problems) {
        let (core, engine, owners) = (Arc::clone(&self.core), Arc::clone(&self.engine), Arc::clone(&self.owners));
        spawn::blocking(move || {
            let mut problems = Problems::new();
            let load = |number: usize| (number, core.settings.load(core.sources[number].as_ref(), &mut problems));
            let loaded = unread.into_iter().map(load).collect();
            // Each resource reads its own.
            let is_of_resource = |declared: usize| matches!(owners.get(declared), Some(Some(_)));
            let candidate = core.settings.candidate(loaded, is_of_resource, &mut problems);
            let tree = candidate.tree();
            for (name, timer) in &core.timers {
                let section = tree.own_section().section("timers").section(name);
                TimerSettings::read(&section, timer.written(), &mut problems);
            }
            let settings = engine.check(&tree, &mut problems);
            (candidate, settings, problems)
        })
        .await
    }

    /// Asks the resources whose settings change whether they could work with them.
    async fn prepare(&self, settings: &OfResources, differences: &[Difference], problems: &mut Problems) {
        for at in self.resources(differences, |_| true) {
            // One that does not run looks at them before it does.
            let Some(Some(settings)) = settings.get(at).filter(|_| self.engine.is_started(at)) else { continue };
            if let Err(error) = self.engine.prepare(at, &**settings).await {
                problems.push(Problem::of_key(&path(&self.core, at), format!("{error:#}")));
            }
        }
    }

    /// Tells everybody who does not follow by itself.
    async fn apply(&mut self, differences: &[Difference]) {
        if differences.is_empty() {
            return;
        }
        let tree = self.core.settings.tree();
        self.tell(&tree, differences);
        if differences.iter().any(|difference| difference.is_below("logging")) {
            let logging = tree.section("logging").read::<LoggingSettings>(&[], &mut Problems::new());
            logging.into_iter().for_each(|logging| self.core.scope.logs().configure(&logging));
        }
        self.steer_timers(&tree, differences);
        let mut restarted = self.resources(differences, |difference| difference.change == Change::Restart);
        for at in self.resources(differences, |difference| !difference.is_followed) {
            if restarted.contains(&at) {
                continue;
            }
            if self.engine.is_started(at) {
                self.apply_live(at).await;
            } else {
                // It may be starting this moment, with the settings before.
                restarted.push(at);
            }
        }
        // Not before: whoever hears of it finds all that is live as it is now.
        let keys = differences.iter().map(|difference| difference.key.to_string()).collect();
        self.core.events.emit(EventKind::SettingsChanged { keys });
        while self.restarts.try_join_next().is_some() {}
        let supervisor = Arc::clone(&self.supervisor);
        self.restarts.spawn(self.core.scope.wrap(async move { supervisor.replace(restarted).await }));
    }

    async fn apply_live(&self, at: usize) {
        if let Err(error) = self.engine.apply(at).await {
            let cell = &self.core.resources[at];
            let error = error.context("it could not take over the changed settings");
            let life = cell.life.load(Ordering::Acquire);
            let _ = self.core.reports.send(Report { resource: at, life, news: News::Ended(error) });
        }
    }

    fn steer_timers(&self, tree: &Tree, differences: &[Difference]) {
        let own = tree.own_section().section("timers");
        for (name, timer) in &self.core.timers {
            let section = own.section(name);
            let path = section.path();
            let changed: Vec<String> = differences.iter().filter_map(|one| one.name_below(&path)).collect();
            if changed.is_empty() {
                continue;
            }
            if let Some(settings) = TimerSettings::read(&section, timer.written(), &mut Problems::new()) {
                timer.reconfigure(&settings, &changed);
            }
        }
    }

    fn tell(&self, tree: &Tree, differences: &[Difference]) {
        tracing::info!("settings changed: {}", named(differences));
        let is_late =
            |difference: &&Difference| difference.change == Change::Restart && self.resource(difference).is_none();
        let mut late: Vec<String> = Vec::new();
        if differences.iter().any(|difference| is_late(&difference)) {
            // One that is again what the service works with needs no start.
            let since_start = self.core.settings.differences(tree, &self.began);
            let is_other = |difference: &&Difference| since_start.iter().any(|other| other.key == difference.key);
            let found = differences.iter().filter(is_late).filter(is_other);
            late.extend(found.map(|difference| format!("`{}`", difference.key)));
        }
        if !late.is_empty() {
            tracing::warn!("takes effect only with the next start of the service: {}", late.join(", "));
        }
        self.core.figures.settings_changed("applied");
    }

    fn refuse(&self, problems: &Problems, tree: &Tree, differences: &[Difference]) {
        let mut said = in_one_line(problems);
        let is_untold = |difference: &&Difference| !said.contains(&format!("`{}`", difference.key));
        // What was set at run time meanwhile is in force, and is a change by itself.
        let others = self.core.settings.differences(tree, &self.core.settings.tree());
        let waits = |difference: &&Difference| others.iter().any(|other| other.key == difference.key);
        let waiting: Vec<Difference> = differences.iter().filter(is_untold).filter(waits).cloned().collect();
        if !waiting.is_empty() {
            said += &format!("; not in force until that is mended: {}", named(&waiting));
        }
        self.core.figures.settings_changed("refused");
        // The same again is not news.
        if self.core.refuse(Some(said.clone())) {
            tracing::warn!("changed settings are refused, those before stay in force: {said}");
            self.core.events.emit(EventKind::SettingsRefused { why: said });
        }
    }

    /// Nothing waits for the next change: what was refused is not there any more.
    fn tell_taken_back(&self, problems: &Problems) {
        let said = in_one_line(problems);
        self.core.figures.settings_changed("refused");
        tracing::warn!("changed settings are refused, what was set at run time is taken back: {said}");
        self.core.events.emit(EventKind::SettingsRefused { why: said });
    }

    /// The resources with such a difference in their own settings, dependencies first.
    fn resources(&self, differences: &[Difference], is_meant: impl Fn(&Difference) -> bool) -> Vec<usize> {
        let found: BTreeSet<usize> =
            differences.iter().filter(|one| is_meant(one)).filter_map(|one| self.resource(one)).collect();
        self.core.graph.in_order().into_iter().filter(|at| found.contains(at)).collect()
    }

    fn resource(&self, difference: &Difference) -> Option<usize> {
        *self.owners.get(difference.declared)?
    }
}

/// The first of them, and where each was written.
fn named(differences: &[Difference]) -> String {
    let named = differences.iter().take(NAMED).map(|one| format!("`{}` (at {})", one.key, one.origin));
    let mut named = named.collect::<Vec<_>>().join(", ");
    if let more @ 1.. = differences.len().saturating_sub(NAMED) {
        named += &format!(" and {more} more");
    }
    named
}

fn in_one_line(problems: &Problems) -> String {
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    said.join("; ")
}

/// The resource of each declaration, if its settings are what is declared.
fn owners(core: &Core) -> Arc<[Option<usize>]> {
    let paths: BTreeMap<KeyPath, usize> =
        (0..core.resources.len()).map(|at| (KeyPath::lenient(&path(core, at)), at)).collect();
    core.settings.declared().iter().map(|declared| paths.get(&declared.path).copied()).collect()
}

fn path(core: &Core, at: usize) -> String {
    format!("resources.{}", core.resources[at].name)
}
