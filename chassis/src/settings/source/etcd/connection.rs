//! One endpoint of etcd: connecting, reading at one revision, watching from there.

use etcd_client::{Client, GetOptions, WatchOptions, WatchStream};
use tokio::task::yield_now;

use super::{
    pages::Pages,
    tree::{Entry, Keys, is_setting},
};
use crate::etcd::{self, Failure, GREETING, PATIENCE, within};

/// The largest answer: pages get smaller until they fit.
const LARGEST: usize = 64 << 20;

/// A connection to one endpoint.
pub(super) struct Connection {
    client: Client,
}

/// Everything below the prefix at one moment.
pub(super) struct Snapshot {
    pub(super) keys: Keys,
    pub(super) revision: i64,
}

impl Connection {
    /// Prepares a connection, and says who is asking; without a user nothing is asked yet.
    pub(super) async fn open(options: &etcd::Options, endpoint: &str) -> Result<Self, Failure> {
        Ok(Self { client: etcd::open(options, endpoint).await? })
    }

    /// One that is there already.
    pub(super) fn of(client: Client) -> Self {
        Self { client }
    }

    /// Whether the key exists.
    pub(super) async fn has(&mut self, key: &str) -> Result<bool, Failure> {
        let found = within(GREETING, self.client.get(key, Some(GetOptions::new().with_count_only()))).await??;
        Ok(found.count() > 0)
    }

    /// Reads everything below the prefix, all of it as it is at one revision.
    pub(super) async fn read(&mut self, prefix: &str) -> Result<Snapshot, Failure> {
        let mut pages = Pages::of(self.client.kv_client().max_decoding_message_size(LARGEST), range(prefix));
        let mut entries = Vec::new();
        let mut page = pages.next().await?;
        while let Some(found) = page {
            // While one page is taken apart, etcd is busy with the next one.
            let (next, ()) = tokio::join!(pages.next(), async {
                yield_now().await;
                yield_now().await;
                entries.reserve(found.len());
                let settings = found.into_iter().filter(|found| is_setting(found.key(), prefix));
                entries.extend(settings.map(|found| {
                    let revision = found.mod_revision();
                    let (key, document) = found.into_key_value();
                    let entry = Entry::of(&key, &document, revision);
                    (key, entry)
                }));
            });
            page = next?;
        }
        Ok(Snapshot { keys: entries.into_iter().collect(), revision: pages.revision })
    }

    /// Follows everything below the prefix from this revision on.
    pub(super) async fn watch(&mut self, prefix: &str, revision: i64) -> Result<WatchStream, Failure> {
        let (from, end) = range(prefix);
        let options = WatchOptions::new().with_range(end).with_start_revision(revision);
        let mut watch = self.client.watch_client().max_decoding_message_size(LARGEST);
        Ok(within(PATIENCE, watch.watch(from, Some(options))).await??)
    }
}

/// The first key below the prefix, and the first one behind all of them.
fn range(prefix: &str) -> (Vec<u8>, Vec<u8>) {
    let after_slash = b'/' + 1;
    (format!("{prefix}/").into_bytes(), [prefix.as_bytes(), &[after_slash]].concat())
}
