//! What a running service tells of its changed settings.

use std::time::Duration;

use chassis::{
    lifecycle::{EventKind, EventStream},
    settings::Setting,
};
use tokio::time::timeout;

/// How long anything may take to be told.
const PATIENCE: Duration = Duration::from_secs(60);

/// The keys of the next change that takes effect; a refusal is told as one.
///
/// # Panics
/// When nothing changes.
pub async fn changed(events: &mut EventStream) -> Vec<String> {
    let keys = |kind: &EventKind| match kind {
        EventKind::SettingsChanged { keys } => Some(keys.clone()),
        EventKind::SettingsRefused { why } => Some(vec![format!("refused: {why}")]),
        _ => None,
    };
    next(events, keys).await
}

/// Why the next change is refused.
///
/// # Panics
/// When none is.
pub async fn refused(events: &mut EventStream) -> String {
    let why = |kind: &EventKind| match kind {
        EventKind::SettingsRefused { why } => Some(why.clone()),
        _ => None,
    };
    next(events, why).await
}

async fn next<T>(events: &mut EventStream, wanted: impl FnMut(&EventKind) -> Option<T>) -> T {
    let found = timeout(PATIENCE, events.find(wanted)).await;
    found.unwrap_or_else(|_| panic!("nothing is told")).unwrap_or_else(|| panic!("the service has ended"))
}

/// Waits until the setting has this value.
///
/// # Panics
/// When it never has.
pub async fn becomes<T>(setting: &Setting<T>, wanted: T)
where
    T: Clone + PartialEq + std::fmt::Debug + Send + Sync + 'static,
{
    let mut watch = setting.watch();
    let seen = timeout(PATIENCE, async {
        while setting.get() != wanted {
            watch.changed().await;
        }
    });
    seen.await.unwrap_or_else(|_| panic!("{wanted:?} was not seen, but {:?}", setting.get()));
}
