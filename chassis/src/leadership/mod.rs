//! Which replica of a service runs what only one of them may: `#[task(leader)]`, `#[task_timer(leader)]`.
//!
//! Replicas that share an etcd agree there. Each has a lease, and the key of a method is put by the first that finds none,
//! attached to its lease: it is gone when the lease is. The replica knows by its own clock that its lease is valid, and takes it for
//! over before etcd does; so work of an earlier leader has ended here before it can begin elsewhere, as far as a process
//! can know. What it cannot know, because it was paused between two instructions, the [fencing
//! token](Leadership::token) is for.
//!
//! | file | |
//! | --- | --- |
//! | `office` | who leads one method: what its work waits for, and what ends it |
//! | `settings` | the settings, and what they need |
//! | `candidacy` | the background work: keeps the lease, stands for every office, gives back at the stop |
//! | `election` | one key in etcd: put if there is none, watched otherwise |
//! | `record` | what stands there |
//! | `without_etcd` | what is compiled where the feature is not |

#[cfg(feature = "etcd")]
mod candidacy;
#[cfg(feature = "etcd")]
mod election;
mod office;
#[cfg(feature = "etcd")]
mod record;
mod settings;
#[cfg(not(feature = "etcd"))]
mod without_etcd;

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

#[cfg(feature = "etcd")]
pub(crate) use self::candidacy::Candidacy;
#[cfg(not(feature = "etcd"))]
pub(crate) use self::without_etcd::Candidacy;
pub use self::{office::Leader, settings::LeaderSettings};
pub(crate) use self::{
    office::{Office, Shift},
    settings::{LeaderMethod, Offices},
};

/// That this replica leads the method at work, from its election until the leadership is lost; see
/// [`Context::leadership`](crate::Context::leadership). Cheap to clone.
///
/// Work of a leader is dropped at its next `.await` when the leadership is lost. What lies between two of them goes on: a
/// process that is paused there for longer than the lease lives does one more step when it is resumed, while another
/// replica leads already. So whatever is written outside is written with the [`token`](Self::token), and
/// refused there when a later one has been seen.
///
/// ```
/// # #[cfg(feature = "etcd")]
/// # mod service {
/// # use chassis::prelude::*;
/// # #[derive(Default)] struct Db;
/// # impl Db { async fn execute(&self, _: &str, _: &[u64]) -> Result<u64> { Ok(1) } }
/// # #[microservice] struct Billing { db: Db }
/// #[microservice]
/// impl Billing {
///     #[task_timer(interval = "1m", leader)]
///     async fn bill(&self, cx: Context) -> Result<()> {
///         // `None` where the settings say that this replica asks nobody.
///         let token = cx.leadership().map_or(0, |leadership| leadership.token());
///         let fence = "UPDATE fence SET token = $1 WHERE name = 'bill' AND token <= $1";
///         // In one transaction with what is written.
///         if self.db.execute(fence, &[token]).await? == 0 {
///             return Err(Error::msg("another replica leads"));
///         }
///         Ok(())
///     }
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct Leadership(Arc<Term>);

/// A term of office.
struct Term {
    token: u64,
    /// Until when the lease is certainly valid; `None` once it is lost.
    until: watch::Receiver<Option<Instant>>,
    /// It is over, although the lease may be valid.
    over: CancellationToken,
}

impl Leadership {
    #[cfg_attr(not(feature = "etcd"), expect(dead_code, reason = "nobody is elected without etcd"))]
    pub(crate) fn new(token: u64, until: watch::Receiver<Option<Instant>>) -> Self {
        Self(Arc::new(Term { token, until, over: CancellationToken::new() }))
    }

    /// The fencing token: greater than that of every leader of this method before, in this replica or another.
    ///
    /// Whatever is written for this method is to be refused by its store when the store has seen a greater token.
    /// It is the revision at which etcd took the election down. An etcd that is put back to an older state, from a
    /// backup, gives smaller ones; see the guide.
    pub fn token(&self) -> u64 {
        self.0.token
    }

    /// Whether this replica certainly leads at this moment. Answered from memory, by the clock of this machine; once it is
    /// `false` it stays so.
    pub fn is_valid(&self) -> bool {
        self.valid_until().is_some_and(|until| Instant::now() < until)
    }

    /// Until when it is certain that this replica leads, as far as is known now; `None` once it does not. The moment moves on while etcd
    /// renews the lease, and may be past.
    pub fn valid_until(&self) -> Option<Instant> {
        let until = *self.0.until.borrow();
        until.filter(|_| !self.0.over.is_cancelled())
    }

    /// Completes once it is not certain any more that this replica leads. Work of the leader need not wait for it:
    /// it is dropped then.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn lost(&self) {
        let mut news = self.0.until.clone();
        let expired = async {
            loop {
                let Some(until) = *news.borrow_and_update() else { return };
                if Instant::now() >= until {
                    return;
                }
                tokio::select! {
                    () = sleep_until(until) => {}
                    changed = news.changed() => if changed.is_err() {
                        // Without anybody who would renew it, it ends when it was to.
                        return sleep_until(until).await;
                    },
                }
            }
        };
        tokio::select! {
            biased;
            () = self.0.over.cancelled() => {}
            () = expired => {}
        }
    }

    /// What comes of `work`; `None`, and `work` is dropped, once this replica does not lead any more.
    ///
    /// It is looked at before each step of the work: one that was paused does not take another one.
    pub(crate) async fn hold<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let (mut work, mut lost) = (pin!(work), pin!(self.lost()));
        poll_fn(|cx| match lost.as_mut().poll(cx) {
            Poll::Pending if self.is_valid() => work.as_mut().poll(cx).map(Some),
            _ => Poll::Ready(None),
        })
        .await
    }

    /// Ends it, whatever becomes of the lease.
    pub(crate) fn end(&self) {
        self.0.over.cancel();
    }

    /// Whether it is the same term of office.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Leadership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let valid = if self.is_valid() { "valid" } else { "lost" };
        write!(f, "Leadership({}, {valid})", self.token())
    }
}

/// Who decides which replica leads.
#[diagnostic::on_unimplemented(
    message = "`leader` needs the feature `etcd` of `chassis`",
    label = "replicas agree in etcd on who leads",
    note = "enable it in `Cargo.toml`: `chassis = {{ …, features = [\"etcd\"] }}`"
)]
pub trait Arbiter {}

/// The etcd that the settings come from.
pub struct Etcd;

#[cfg(feature = "etcd")]
impl Arbiter for Etcd {}

#[cfg(all(test, feature = "etcd"))]
mod tests;
