//! Other settings for a server at work: everything that can fail first, then all of it at once.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{ConnectionSettings, Listener, Server, TlsSettings, tls::Tls};
use crate::Result;

/// How long somebody may take to write files anew.
const REWRITTEN: Duration = Duration::from_secs(1);

/// What a server goes on with. Dropped, it changes nothing.
#[must_use]
pub(crate) struct Change<'a> {
    server: &'a Server,
    path: &'a str,
    pub(super) settings: &'a ConnectionSettings,
    /// What new connections are encrypted by, if that changes.
    pub(super) tls: Option<Option<Arc<Tls>>>,
    /// Whether clients that are there were let in by rules that are no longer in force.
    pub(super) ends_present: bool,
    /// The next address, if that changes.
    pub(super) listener: Option<Listener>,
}

impl<'a> Change<'a> {
    pub(super) fn new(server: &'a Server, settings: &'a ConnectionSettings, path: &'a str) -> Self {
        Self { server, path, settings, tls: None, ends_present: false, listener: None }
    }

    /// Speaks TLS as in `to` from then on, or clear text; so far it was as in `from`. Files that were good when they were
    /// looked at may be written anew this moment: a second later they are whole.
    ///
    /// # Errors
    /// Misconfigured when a file is missing or does not fit, or the feature `tls` is not compiled in.
    pub(crate) async fn secure(mut self, from: Option<&TlsSettings>, to: Option<&TlsSettings>) -> Result<Self> {
        if from != to {
            let load = || to.map(|settings| Tls::load(settings, &format!("{}.tls", self.path))).transpose();
            let until = Instant::now() + REWRITTEN;
            let mut loaded = load();
            while loaded.is_err() && Instant::now() < until {
                sleep(REWRITTEN / 20).await;
                loaded = load();
            }
            self.tls = Some(loaded?);
            self.ends_present = match (from, to) {
                (Some(from), Some(to)) => !from.has_same_terms(to),
                _ => true,
            };
        }
        Ok(self)
    }

    /// Listens at another address from then on, which is bound by this.
    ///
    /// # Errors
    /// As [`Listener::bind`].
    pub(crate) async fn move_to(mut self, address: SocketAddr) -> Result<Self> {
        self.listener = Some(self.server.bind_beside(address, self.settings, self.path).await?);
        Ok(self)
    }

    /// Changes it.
    pub(crate) fn apply(self) {
        self.server.change(self);
    }
}
