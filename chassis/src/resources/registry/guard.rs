//! Sees to it that the key stays for as long as its lease does: somebody may delete it by mistake.

use std::{convert::Infallible, sync::Arc, time::Duration};

use etcd_client::{Client, Event, GetOptions, ResponseHeader, WatchOptions};
use tokio::time::sleep;

use super::registration::{Plan, put};
use crate::{
    etcd::{Endpoints, Failure, GREETING, Lease, next, within},
    supervision::Backoff,
};

/// How long it waits at most before it looks again.
const PATIENCE: Duration = Duration::from_secs(5);

/// Writes the key again whenever it is deleted. What goes wrong here is tried again: whether the instance is registered
/// is for the lease to say.
///
/// # Cancel safety
/// Safe.
pub(super) async fn guard(plan: &Plan, lease: &Lease) -> Infallible {
    // Its own: the connection that the lease is kept by may be another by now.
    let mut endpoints = Endpoints::new(Arc::clone(plan.etcd()));
    let mut backoff = Backoff::new(Duration::from_millis(100), PATIENCE);
    loop {
        let watched = async {
            let client = endpoints.connect().await?;
            Box::pin(watch(plan, client, lease, &mut backoff)).await
        };
        let Err(failure) = Box::pin(watched).await;
        tracing::debug!("the registration is not watched: {}", failure.what);
        sleep(backoff.failed_with_jitter(fastrand::f64())).await;
    }
}

/// Looks whether the key is there, and follows it from there on.
async fn watch(plan: &Plan, mut client: Client, lease: &Lease, backoff: &mut Backoff) -> Result<Infallible, Failure> {
    let key = plan.key();
    let options = GetOptions::new().with_keys_only();
    let found = within(GREETING, client.get(key, Some(options))).await??;
    let revision = found.header().map_or(0, ResponseHeader::revision);
    if found.kvs().is_empty() {
        restore(plan, &client, lease).await?;
    }
    let options = WatchOptions::new().with_start_revision(revision + 1);
    let mut watch = within(GREETING, client.watch(key, Some(options))).await??;
    backoff.healthy();
    loop {
        let answer = next(&mut watch).await?;
        // A key that is gone has no version. What was written after that is there.
        if answer.events().iter().filter_map(Event::kv).next_back().is_some_and(|kv| kv.version() == 0) {
            restore(plan, &client, lease).await?;
        }
    }
}

async fn restore(plan: &Plan, client: &Client, lease: &Lease) -> Result<(), Failure> {
    // With a lease that is gone this fails, and whoever keeps it registers anew.
    put(client, plan.key(), plan.value().await?, lease).await?;
    tracing::warn!("the registration was deleted in etcd, and is written again: {}", plan.key());
    Ok(())
}
