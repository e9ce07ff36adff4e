//! The background work for one service: reads its instances, watches from there, and begins again when that ends.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use etcd_client::{Event, GetOptions, WatchOptions};
use tokio::time::sleep;

use super::{Instance, client::Shared, instances::Watched};
use crate::{
    etcd::{Endpoints, Failure, GREETING, Options, next, within},
    supervision::Backoff,
};

/// The largest answer.
const LARGEST: usize = 64 << 20;

/// How long it waits at most before it tries again.
const PATIENCE: Duration = Duration::from_secs(2);

/// Follows one service.
pub(super) struct Follower {
    shared: Arc<Shared>,
    watched: Arc<Watched>,
    endpoints: Endpoints,
    /// Below which its instances stand, with a slash at its end.
    prefix: String,
    instances: BTreeMap<String, Instance>,
    backoff: Backoff,
}

impl Follower {
    pub(super) fn new(shared: Arc<Shared>, watched: Arc<Watched>, etcd: Arc<Options>, path: &str) -> Self {
        let path: String =
            path.split(['.', '/']).filter(|step| !step.is_empty()).flat_map(|step| ["/", step]).collect();
        let prefix = format!("{path}/{}/", watched.name);
        let backoff = Backoff::new(Duration::from_millis(100), PATIENCE);
        Self { shared, watched, endpoints: Endpoints::new(etcd), prefix, instances: BTreeMap::new(), backoff }
    }

    /// Goes on until it is dropped.
    pub(super) async fn run(mut self) {
        loop {
            let failure = match Box::pin(self.follow()).await {
                Err(failure) => failure,
                Ok(never) => match never {},
            };
            // A connection that ends while another one serves is no loss.
            if self.backoff.failures() > 0 {
                self.shared.lost(&self.watched.name, &failure.what);
            }
            sleep(self.backoff.failed_with_jitter(fastrand::f64())).await;
        }
    }

    async fn follow(&mut self) -> Result<std::convert::Infallible, Failure> {
        let mut client = self.endpoints.connect().await?;
        let mut kv = client.kv_client().max_decoding_message_size(LARGEST);
        let range = Some(GetOptions::new().with_prefix());
        let found = within(GREETING, kv.get(self.prefix.clone(), range)).await??;
        let revision = found.header().map_or(0, etcd_client::ResponseHeader::revision);
        self.instances.clear();
        for found in found.kvs() {
            self.put(found.key(), found.value());
        }
        self.watched.replace(&self.instances);
        let options = WatchOptions::new().with_prefix().with_start_revision(revision + 1);
        let mut watch = within(GREETING, client.watch(self.prefix.clone(), Some(options))).await??;
        self.shared.found(&self.watched.name);
        self.backoff.healthy();
        loop {
            let answer = next(&mut watch).await?;
            // A server that was restored from a backup.
            if answer.header().is_some_and(|header| header.revision() < revision) {
                return Err(Failure::unavailable("etcd is at an older revision"));
            }
            for kv in answer.events().iter().filter_map(Event::kv) {
                // A key that is gone has no version.
                if kv.version() == 0 {
                    self.instances.remove(id(kv.key(), &self.prefix).as_str());
                } else {
                    self.put(kv.key(), kv.value());
                }
            }
            self.watched.replace(&self.instances);
        }
    }

    fn put(&mut self, key: &[u8], value: &[u8]) {
        let id = id(key, &self.prefix);
        match Instance::parse(&id, value) {
            Ok(instance) => {
                self.instances.insert(id, instance);
            }
            Err(why) => {
                let key = String::from_utf8_lossy(key);
                tracing::warn!("what is registered as `{}` cannot be used: {why}", key.escape_debug());
                self.instances.remove(&id);
            }
        }
    }
}

/// What of the key tells the instance from the others.
fn id(key: &[u8], prefix: &str) -> String {
    String::from_utf8_lossy(key.strip_prefix(prefix.as_bytes()).unwrap_or(key)).into_owned()
}
