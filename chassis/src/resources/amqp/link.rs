//! A connection that is made again whenever it is lost.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{dialer::Dialer, session::Session};
use crate::{Context, Result, messaging::engine::Links, supervision::Backoff};

/// A connection that is made again whenever it is lost.
pub(super) struct Link {
    role: &'static str,
    dialer: Arc<Dialer>,
    links: Arc<Links>,
    now: watch::Sender<Now>,
    /// Nobody wants it any more.
    over: CancellationToken,
}

/// How it is.
#[derive(Clone)]
enum Now {
    Up(Arc<Session>),
    /// And why.
    Down(Arc<str>),
}

/// How long an attempt waits at most. The mean is half of it, and a broker that restarts is back within two seconds.
const LONGEST: Duration = Duration::from_secs(1);
const SHORTEST: Duration = Duration::from_millis(100);
/// The same, while the broker refuses this service.
const LONGEST_REFUSED: Duration = Duration::from_secs(30);
/// After how many refusals in a row it is no whim of a broker that is about to start.
const CERTAIN: u32 = 3;

impl Link {
    /// Connects, and stays connected until it is [closed](Self::close).
    ///
    /// # Errors
    /// When the first attempt fails.
    pub(super) async fn open(
        cx: &Context,
        role: &'static str,
        dialer: Arc<Dialer>,
        links: Arc<Links>,
    ) -> Result<Arc<Self>> {
        let session = Arc::new(dialer.dial(role).await?);
        let now = watch::Sender::new(Now::Up(Arc::clone(&session)));
        let link = Arc::new(Self { role, dialer, links, now, over: CancellationToken::new() });
        let supervised = Arc::clone(&link);
        cx.spawn_detached(async move { supervised.supervise(session).await });
        Ok(link)
    }

    /// Connects sooner or later, and stays connected until it is [closed](Self::close).
    pub(super) fn begin(cx: &Context, role: &'static str, dialer: Arc<Dialer>, links: Arc<Links>) -> Arc<Self> {
        let now = watch::Sender::new(Now::Down("it does not answer yet".into()));
        let link = Arc::new(Self { role, dialer, links, now, over: CancellationToken::new() });
        let supervised = Arc::clone(&link);
        cx.spawn_detached(async move {
            let Some(session) = supervised.over.run_until_cancelled(supervised.reach(0)).await else { return };
            let session = Arc::new(session);
            supervised.now.send_replace(Now::Up(Arc::clone(&session)));
            supervised.supervise(session).await;
        });
        link
    }

    async fn supervise(&self, mut session: Arc<Session>) {
        loop {
            let Some(why) = self.over.run_until_cancelled(session.follow()).await else { return };
            self.now.send_replace(Now::Down(why.as_str().into()));
            self.links.lost(self.role, &why);
            session.abandon();
            let Some(found) = self.over.run_until_cancelled(self.reach(1)).await else { return };
            session = Arc::new(found);
            self.now.send_replace(Now::Up(Arc::clone(&session)));
            self.links.found(self.role);
        }
    }

    /// Tries until there is a connection, after so many failures.
    async fn reach(&self, mut failures: u32) -> Session {
        let mut refusals = 0_u32;
        loop {
            let rest = match refusals {
                0 if failures == 0 => Duration::ZERO,
                0 => Backoff::after(failures, SHORTEST, LONGEST),
                // What a person has to mend takes its time.
                refusals => Backoff::after(refusals, SHORTEST, LONGEST_REFUSED),
            };
            sleep(rest.mul_f64(fastrand::f64())).await;
            match self.dialer.dial(self.role).await {
                Ok(session) => return session,
                Err(error) => {
                    failures = failures.saturating_add(1);
                    tracing::debug!("failure {failures} to reach the broker: {error:#}");
                    refusals = if error.is_misconfigured() { refusals.saturating_add(1) } else { 0 };
                    if refusals >= CERTAIN {
                        self.links.refused(&error);
                    }
                    self.links.still_lost(&error);
                    self.now.send_replace(Now::Down(format!("{error:#}").into()));
                }
            }
        }
    }

    /// The connection once there is one; `None` when there will be none any more.
    pub(super) async fn session(&self) -> Option<Arc<Session>> {
        let mut now = self.now.subscribe();
        let up = now.wait_for(|now| matches!(now, Now::Up(session) if !session.is_lost()));
        match self.over.run_until_cancelled(up).await?.ok()?.clone() {
            Now::Up(session) => Some(session),
            Now::Down(_) => None,
        }
    }

    /// The connection once there is one; why there is none in time.
    pub(super) async fn session_until(&self, until: Instant) -> Result<Arc<Session>, String> {
        match timeout_at(until, self.session()).await {
            Ok(Some(session)) => Ok(session),
            Ok(None) => Err("the broker is not connected any more".to_owned()),
            Err(_) => Err(self.why()),
        }
    }

    /// Why there is no connection.
    pub(super) fn why(&self) -> String {
        match &*self.now.borrow() {
            Now::Up(session) => match &*session.blocked().borrow() {
                Some(why) => format!("the broker takes nothing at the moment: {why}"),
                None => "the broker does not confirm in time".to_owned(),
            },
            Now::Down(why) => format!("the broker is not connected: {why}"),
        }
    }

    /// Why the broker takes nothing at the moment, if it says so.
    pub(super) fn blocked(&self) -> Option<String> {
        match &*self.now.borrow() {
            Now::Up(session) => session.blocked().borrow().clone(),
            Now::Down(_) => None,
        }
    }

    pub(super) fn down(&self) -> Option<Arc<str>> {
        match &*self.now.borrow() {
            Now::Up(_) => None,
            Now::Down(why) => Some(Arc::clone(why)),
        }
    }

    /// Lets go of the connection for good.
    pub(super) async fn close(&self) {
        self.over.cancel();
        let now = self.now.borrow().clone();
        if let Now::Up(session) = now {
            session.close().await;
        }
    }
}
