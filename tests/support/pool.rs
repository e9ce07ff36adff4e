//! A resource whose settings change in every way there is, and that refuses them as told.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chassis::{
    Context, Error, Resource, Result,
    settings::{Setting, SettingsSchema},
};

/// The settings of a [`Pool`].
#[derive(Debug, SettingsSchema)]
pub struct PoolSettings {
    /// Changes by a restart.
    #[setting(default = 1, min = 1)]
    size: u32,
    /// Follows.
    #[setting(default = "1s")]
    patience: Setting<Duration>,
    /// Is taken over.
    #[setting(default = "a", live)]
    label: String,
    /// What it thinks of a candidate: `ok`, `no`, `late`, `panic`.
    #[setting(default = "ok")]
    verdict: Setting<String>,
}

/// Writes down what happens to it. It does not start with 99, and crashes when it is to take over the label `crash`.
#[derive(Debug, Default)]
pub struct Pool {
    diary: Mutex<Vec<String>>,
    settings: Mutex<Option<PoolSettings>>,
}

impl Pool {
    /// What happened since it was asked last, in order.
    pub fn read(&self) -> Vec<String> {
        mem::take(&mut *lock(&self.diary))
    }

    /// The setting that follows, as it is now; the default before the start.
    pub fn patience(&self) -> Duration {
        lock(&self.settings).as_ref().map_or(Duration::from_secs(1), |settings| settings.patience.get())
    }

    /// The setting that it has since its start; 0 before.
    pub fn size(&self) -> u32 {
        lock(&self.settings).as_ref().map_or(0, |settings| settings.size)
    }

    fn write(&self, what: impl Into<String>) {
        lock(&self.diary).push(what.into());
    }
}

impl Resource for Pool {
    type Settings = PoolSettings;

    async fn start(&self, _: &Context, settings: PoolSettings) -> Result<()> {
        if settings.size == 99 {
            return Err(Error::unavailable(Error::msg("there are not so many")));
        }
        self.write(format!("start {}", settings.size));
        *lock(&self.settings) = Some(settings);
        Ok(())
    }

    async fn stop(&self, _: &Context) -> Result<()> {
        self.write("stop");
        Ok(())
    }

    async fn prepare(&self, _: &Context, candidate: &PoolSettings) -> Result<()> {
        match candidate.verdict.get().as_str() {
            "no" => Err(Error::msg("the pool does not like it")),
            "late" => std::future::pending().await,
            "panic" => panic!("at the sight of it"),
            _ => Ok(()),
        }
    }

    async fn apply(&self, _: &Context, settings: PoolSettings) -> Result<()> {
        self.write(format!("apply {}", settings.label));
        if settings.label == "crash" {
            return Err(Error::msg("it does not fit"));
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
