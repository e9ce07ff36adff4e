//! The key of one method in etcd: whoever puts it leads, and everybody else watches it.

use etcd_client::{Client, Compare, CompareOp, Event, KeyValue, PutOptions, ResponseHeader, Txn, TxnOp, TxnOpResponse};
use etcd_client::{WatchOptions, WatchStream};

use super::Leader;
use crate::etcd::{Failure, GREETING, Lease, next, within};

/// The key of one method.
pub(super) struct Election {
    key: String,
    instance: String,
}

/// What stands in the key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// This replica leads.
    Mine(Leader),
    /// Somebody else does.
    Theirs(Leader),
    /// Nobody does, and the key does not go by itself: whoever has written it had no lease.
    Nobodys(Leader),
}

/// An outcome, and when it was so.
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    pub(super) revision: i64,
}

impl Election {
    /// The election of a method, below the prefix of the settings.
    pub(super) fn new(prefix: &str, service: &str, method: &str, instance: &str) -> Self {
        Self { key: format!("{prefix}/leaders/{service}/{method}"), instance: instance.to_owned() }
    }

    /// The key, as it stands in etcd.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// Puts the key, if there is none; whoever has put it leads. To ask twice changes nothing.
    ///
    /// # Errors
    /// When etcd does not answer, or refuses. The key may be there then, attached to the lease.
    pub(super) async fn claim(&self, client: &Client, lease: &Lease, now: &str) -> Result<Answer, Failure> {
        let record = Leader::json(&self.instance, now);
        let put = TxnOp::put(&*self.key, &*record, Some(PutOptions::new().with_lease(lease.id())));
        let claim = Txn::new()
            .when([Compare::create_revision(&*self.key, CompareOp::Equal, 0)])
            .and_then([put])
            .or_else([TxnOp::get(&*self.key, None)]);
        let mut kv = client.kv_client();
        let answer = within(GREETING, Box::pin(kv.txn(claim))).await??;
        let revision = answer.header().map_or(0, ResponseHeader::revision);
        if answer.succeeded() {
            let outcome = Outcome::Mine(Leader::parse(token(revision), record.as_bytes()));
            return Ok(Answer { outcome, revision });
        }
        let found = answer.op_responses().into_iter().find_map(|answer| match answer {
            TxnOpResponse::Get(found) => found.kvs().first().map(|kv| outcome(kv, lease)),
            _ => None,
        });
        let outcome = found.ok_or_else(|| Failure::unavailable("etcd does not say who leads"))?;
        Ok(Answer { outcome, revision })
    }

    /// Follows the key from this revision on.
    ///
    /// # Errors
    /// When etcd does not answer, or refuses.
    pub(super) async fn watch(&self, client: &Client, revision: i64) -> Result<WatchStream, Failure> {
        let options = WatchOptions::new().with_start_revision(revision);
        let mut watch = client.watch_client();
        Ok(within(GREETING, Box::pin(watch.watch(&*self.key, Some(options)))).await??)
    }

    /// Takes the key back, if it is attached to this lease.
    ///
    /// # Errors
    /// When etcd does not answer; the key is gone with the lease then.
    pub(super) async fn withdraw(&self, client: &Client, lease: &Lease) -> Result<(), Failure> {
        let withdraw = Txn::new()
            .when([Compare::lease(&*self.key, CompareOp::Equal, lease.id())])
            .and_then([TxnOp::delete(&*self.key, None)]);
        let mut kv = client.kv_client();
        within(GREETING, Box::pin(kv.txn(withdraw))).await??;
        Ok(())
    }
}

/// Waits until the key is deleted; gives back the revision of that.
///
/// # Errors
/// When the watch has come to its end.
///
/// # Cancel safety
/// Safe: no deletion is missed.
pub(super) async fn deleted(watch: &mut WatchStream) -> Result<i64, Failure> {
    loop {
        let answer = next(watch).await?;
        // A key that is gone has no version.
        let mut gone = answer.events().iter().filter_map(Event::kv).filter(|kv| kv.version() == 0);
        if let Some(gone) = gone.next_back() {
            return Ok(gone.mod_revision());
        }
    }
}

fn outcome(found: &KeyValue, lease: &Lease) -> Outcome {
    let leader = Leader::parse(token(found.create_revision()), found.value());
    match found.lease() {
        0 => Outcome::Nobodys(leader),
        id if id == lease.id() => Outcome::Mine(leader),
        _ => Outcome::Theirs(leader),
    }
}

/// Revisions count from 1.
fn token(revision: i64) -> u64 {
    u64::try_from(revision).unwrap_or(0)
}
