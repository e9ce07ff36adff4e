//! The source: what it is told, when its thread begins and ends, and what it gives.

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::{
    follower::Follower,
    keeper::Keeper,
    options::Options,
    standing::{First, Standing},
    store::Planned,
};
use crate::{
    Health, etcd,
    scope::Scope,
    settings::{
        accepted::Accepted,
        origin::Origin,
        problem::{Problem, Problems},
        source::{Changes, Following, Layer, Source},
    },
    tasks::spawn::thread,
};

/// Settings in etcd, by its API of version 3.
///
/// Needs the feature `etcd`. Nothing happens before the settings are loaded. A connection that is lost is made again for as long as the source
/// lives; until then the last values stay in force.
///
/// ```no_run
/// use chassis::settings::source::Etcd;
///
/// let source = Etcd::new(["https://10.0.0.1:2379", "https://10.0.0.2:2379"])
///     .user("orders", "secret")
///     .ca_file("/etc/etcd/ca.pem");
/// ```
pub struct Etcd {
    options: Arc<Options>,
    standing: Arc<Standing>,
    thread: Mutex<Option<JoinHandle<()>>>,
    stop: CancellationToken,
}

impl Etcd {
    /// The etcd at these endpoints, such as `http://10.0.0.1:2379`; they are tried one after the other.
    pub fn new<E: Into<String>>(endpoints: impl IntoIterator<Item = E>) -> Self {
        Self::with(Options::new(endpoints.into_iter().map(Into::into).collect()))
    }

    pub(super) fn with(options: Options) -> Self {
        Self {
            options: Arc::new(options),
            standing: Arc::default(),
            thread: Mutex::default(),
            stop: CancellationToken::new(),
        }
    }

    /// Below which key the settings stand; `/system` unless it is said otherwise.
    #[must_use]
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        self.change(|options| options.set_prefix(prefix.into()))
    }

    /// Waits until this key exists before anything is read, at most for the start timeout: whoever writes the tree
    /// writes it last.
    #[must_use]
    pub fn check_key(self, key: impl Into<String>) -> Self {
        self.change(|options| options.check_key = Some(key.into()))
    }

    /// Says who is asking; etcd has to have authentication enabled.
    #[must_use]
    pub fn user(self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.change(|options| options.etcd.set_user(name.into(), password.into()))
    }

    /// Trusts the authorities in this PEM file, and no others. Without it the system's are trusted.
    #[must_use]
    pub fn ca_file(self, path: impl Into<PathBuf>) -> Self {
        self.change(|options| options.etcd.ca_file = Some(path.into()))
    }

    /// Shows this certificate to etcd; both are PEM files, read anew for each connection.
    #[must_use]
    pub fn client_certificate(self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.change(|options| options.etcd.identity = Some((certificate.into(), key.into())))
    }

    /// How long a start waits for etcd; 10 s unless it is said otherwise.
    #[must_use]
    pub fn start_timeout(self, timeout: Duration) -> Self {
        self.change(|options| options.start_timeout = timeout)
    }

    /// Keeps the last good settings in this file, with mode 0600; a start without etcd takes them from there, with a
    /// warning. Values that the service declares as secrets are left out.
    #[must_use]
    pub fn cache_file(self, path: impl Into<PathBuf>) -> Self {
        self.change(|options| options.cache_file = Some(path.into()))
    }

    /// Keeps secrets in the [file](Self::cache_file), too.
    #[must_use]
    pub fn cache_secrets(self) -> Self {
        self.change(|options| options.cache_secrets = true)
    }

    /// How its etcd is reached; what else needs etcd uses the same.
    pub(crate) fn etcd(&self) -> &etcd::Options {
        &self.options.etcd
    }

    /// Below which key the settings stand, with a slash at its beginning and none at its end.
    pub(crate) fn prefix_of_keys(&self) -> &str {
        &self.options.prefix
    }

    /// Called before anything is shared with the thread.
    fn change(self, change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options::clone(&self.options);
        change(&mut options);
        Self::with(options)
    }

    /// What it was told.
    pub(super) fn told(&self) -> Arc<Options> {
        Arc::clone(&self.options)
    }

    /// Starts the thread, once.
    fn begin(&self) -> std::io::Result<()> {
        let mut running = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if running.is_some() {
            return Ok(());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let follower = Follower::new(Arc::clone(&self.options), Arc::clone(&self.standing));
        let keeper = Keeper::new(Arc::clone(&self.options), &self.standing);
        let (stop, standing, scope) = (self.stop.clone(), Arc::clone(&self.standing), Scope::current());
        let work = move || {
            // Also when it panics: nobody is to wait for it then.
            let _ended = Ended(standing);
            let follow = async {
                let _ = stop.run_until_cancelled(async { tokio::join!(follower.run(), keeper.run()) }).await;
                keeper.write();
            };
            match scope {
                Some(scope) => runtime.block_on(scope.wrap(follow)),
                None => runtime.block_on(follow),
            }
            // A name that is being looked up must not hold up whoever drops the source.
            runtime.shutdown_background();
        };
        *running = Some(thread("etcd settings", work)?);
        Ok(())
    }
}

impl Source for Etcd {
    fn name(&self) -> String {
        "etcd".to_owned()
    }

    fn load(&self, problems: &mut Problems) -> Layer {
        if !self.options.etcd.check(problems) {
            return Layer::unreadable();
        }
        if let Err(error) = self.begin() {
            let what = format!("cannot start the thread that reads it: {error}");
            problems.push(Problem::of_source(Origin::named("etcd"), what));
            return Layer::unreadable();
        }
        match self.standing.wait_for_first() {
            First::Read => self.standing.layer(&self.options, problems),
            First::Cached(warning) => {
                problems.warn(warning);
                self.standing.layer(&self.options, problems)
            }
            First::GaveUp(failures) => {
                failures.into_iter().for_each(|problem| problems.push(problem));
                Layer::unreadable()
            }
        }
    }

    fn accepted(&self, accepted: &Accepted<'_>) {
        self.standing.keep(|| accepted.sieve(self.options.cache_secrets));
    }

    fn end(&self) {
        self.stop.cancel();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // It waits for nothing but its own futures, which end here.
        drop(thread.map(JoinHandle::join));
    }

    fn follow(&self, changes: Changes) -> Option<Following> {
        Some(Box::pin(Arc::clone(&self.standing).follow(changes)))
    }

    fn health(&self) -> Health {
        self.standing.health()
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.end();
    }
}

/// The etcd among the sources of a service, if there is one; of several the last, whose values win.
pub(crate) fn etcd_among(sources: &[Box<dyn Source>]) -> Option<&Etcd> {
    sources.iter().rev().find_map(|source| {
        let source: &dyn std::any::Any = source.as_ref();
        source.downcast_ref::<Etcd>()
    })
}

/// Whether one of these sources is an etcd, or what an etcd is about to say.
pub(crate) fn has_etcd(sources: &[Box<dyn Source>]) -> bool {
    sources.iter().any(|source| {
        let source: &dyn std::any::Any = source.as_ref();
        source.is::<Etcd>() || source.is::<Planned>()
    })
}

/// The thread at its end.
struct Ended(Arc<Standing>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl fmt::Debug for Etcd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Etcd").field("endpoints", &self.options.etcd.endpoints).finish_non_exhaustive()
    }
}
