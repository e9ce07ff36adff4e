//! A lease: what is attached to it in etcd exists for as long as somebody says that it should.
//!
//! Its owner has to know without asking whether the lease is still valid: a network that is cut, or a process that was
//! paused, must not make it believe in a lease that the server has ended long ago. So the time counts from the moment
//! the last question was *sent* that was answered; the server counts from a later one.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use etcd_client::{Client, Error};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use super::{
    connection::{GREETING, within},
    endpoints::Endpoints,
    failure::Failure,
};

/// How much earlier than the server its owner takes a lease for over, as a part of the time to live, and at most: two
/// clocks do not run equally fast.
const MARGIN: (u32, Duration) = (10, Duration::from_secs(1));

/// How often it is renewed within its time to live: two questions may go unanswered.
const QUESTIONS: u32 = 3;

/// No lease is taken to live for longer, whatever the server says: that could be anything.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the owner waits before it tries to connect again.
const PAUSE: Duration = Duration::from_millis(100);

/// A lease, granted by an etcd. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Lease {
    id: i64,
    /// As the server has granted it, which may be more than what was asked for.
    ttl: Duration,
    /// Until when it is valid; `None` once it is lost.
    until: Arc<watch::Sender<Option<Instant>>>,
    /// The connection that served last.
    client: Arc<Mutex<Client>>,
}

/// Why an attempt to keep a lease came to its end.
enum End {
    /// The server does not know it any more.
    Gone,
    /// Another connection may do.
    Failed(Failure),
}

impl Lease {
    /// Asks for a lease that lives for so long without being renewed; etcd counts in whole seconds, and may give more.
    ///
    /// It is not renewed before [`keep`](Self::keep) is awaited.
    ///
    /// # Errors
    /// When etcd does not answer, or refuses.
    pub(crate) async fn grant(client: &Client, ttl: Duration) -> Result<Self, Failure> {
        let seconds = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
        let asked = Instant::now();
        let seconds = i64::try_from(seconds.max(1)).unwrap_or(i64::MAX);
        let mut leases = client.lease_client();
        let granted = within(GREETING, Box::pin(leases.grant(seconds, None))).await??;
        let ttl = lifetime(granted.ttl());
        let until = Arc::new(watch::Sender::new(Some(end(asked, ttl))));
        Ok(Self { id: granted.id(), ttl, until, client: Arc::new(Mutex::new(client.clone())) })
    }

    /// What is attached to it is written with this id.
    pub(crate) fn id(&self) -> i64 {
        self.id
    }

    /// For how long it lives without being renewed.
    pub(crate) fn ttl(&self) -> Duration {
        self.ttl
    }

    /// Until when it is certainly valid, as far as is known at each moment; `None` once it is lost. It may be past.
    pub(crate) fn validity(&self) -> watch::Receiver<Option<Instant>> {
        self.until.subscribe()
    }

    /// Completes once it is not certain any more that it is valid; it never is again.
    ///
    /// # Cancel safety
    /// Safe.
    pub(crate) async fn lost(&self) {
        let mut news = self.until.subscribe();
        loop {
            let Some(until) = *news.borrow_and_update() else { return };
            tokio::select! {
                biased;
                () = sleep_until(until) => return self.lose(),
                // The sender is this lease's own.
                _ = news.changed() => {}
            }
        }
    }

    /// Keeps it alive until it is lost; whatever happens to connections meanwhile, as long as it may be saved.
    ///
    /// # Cancel safety
    /// Safe; it is valid for what remains of its time then.
    pub(crate) async fn keep(&self, endpoints: &mut Endpoints) {
        tokio::select! {
            biased;
            () = self.lost() => {}
            () = Box::pin(self.save(endpoints)) => self.lose(),
        }
    }

    /// Gives it back by the connection that served last: what is attached to it is gone at once.
    ///
    /// # Errors
    /// When etcd does not answer; it expires by itself then. One that is gone already is no failure.
    pub(crate) async fn revoke(&self) -> Result<(), Failure> {
        self.lose();
        let mut leases = self.client().lease_client();
        match within(GREETING, Box::pin(leases.revoke(self.id))).await? {
            Err(Error::GRpcStatus(status)) if status.code() == tonic::Code::NotFound => Ok(()),
            answer => Ok(answer.map(|_| ())?),
        }
    }

    /// Renews it by one connection after the other, until the server does not know it any more.
    async fn save(&self, endpoints: &mut Endpoints) {
        loop {
            match self.renew(&self.client()).await {
                End::Gone => return,
                End::Failed(failure) => tracing::debug!("a lease of etcd was not renewed: {}", failure.what),
            }
            let client = loop {
                sleep(PAUSE).await;
                match endpoints.connect().await {
                    Ok(client) => break client,
                    Err(failure) => tracing::debug!("etcd is not there to renew a lease: {}", failure.what),
                }
            };
            *self.client.lock().unwrap_or_else(PoisonError::into_inner) = client;
        }
    }

    fn client(&self) -> Client {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Renews it by one connection for as long as that goes well.
    async fn renew(&self, client: &Client) -> End {
        let patience = self.ttl / QUESTIONS;
        let mut sent = Instant::now();
        let kept = match within(patience, client.lease_client().keep_alive(self.id)).await {
            Ok(Ok(kept)) => kept,
            // How the client tells that the server does not know the lease.
            Ok(Err(Error::LeaseKeepAliveError(_))) => return End::Gone,
            Ok(Err(error)) => return End::Failed(error.into()),
            Err(failure) => return End::Failed(failure),
        };
        let (mut questions, mut answers) = kept;
        loop {
            self.extend(sent);
            sleep_until(sent + patience).await;
            sent = Instant::now();
            let exchange = async {
                questions.keep_alive().await?;
                answers.message().await
            };
            match within(patience, exchange).await {
                Ok(Ok(Some(answer))) if answer.ttl() > 0 => {}
                Ok(Ok(Some(_))) => return End::Gone,
                Ok(Ok(None)) => return End::Failed(Failure::unavailable("etcd ended the exchange")),
                Ok(Err(error)) => return End::Failed(error.into()),
                Err(failure) => return End::Failed(failure),
            }
        }
    }

    /// A question of that moment was answered.
    fn extend(&self, sent: Instant) {
        let until = end(sent, self.ttl);
        self.until.send_if_modified(|known| match known {
            // What was lost once is lost: somebody may have acted on it.
            Some(known) if Instant::now() < *known => {
                *known = until.max(*known);
                true
            }
            _ => false,
        });
    }

    fn lose(&self) {
        self.until.send_if_modified(|known| known.take().is_some());
    }
}

/// How long a lease lives that the server gives for so many seconds.
fn lifetime(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0)).min(LONGEST)
}

/// Until when a lease is certainly valid after an answer to a question of that moment.
fn end(sent: Instant, ttl: Duration) -> Instant {
    let margin = (ttl / MARGIN.0).min(MARGIN.1);
    sent + (ttl - margin)
}

#[cfg(test)]
mod tests;
