//! One endpoint of etcd: connecting, reading at one revision, watching from there.

use std::{future::Future, time::Duration};

use etcd_client::{Client, GetOptions, WatchOptions, WatchStream};
use tokio::{task::yield_now, time::timeout};

use super::{
    failure::{Failure, is_auth_disabled},
    options::Options,
    pages::Pages,
    tree::{Entry, Keys},
};

/// How long the first answer may take: then the next endpoint is tried.
pub(super) const GREETING: Duration = Duration::from_secs(3);

/// How long any other one may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

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
    pub(super) async fn open(options: &Options, endpoint: &str) -> Result<Self, Failure> {
        let certificates = options.certificates(endpoint)?;
        let certificates = certificates.as_ref();
        let connect = |with_user| Client::connect([endpoint], Some(options.connect(certificates, with_user)));
        let client = match within(GREETING, connect(true)).await? {
            // What etcd's own client does: a server without users serves everybody.
            Err(error) if is_auth_disabled(&error) => within(GREETING, connect(false)).await?,
            connected => connected,
        };
        Ok(Self { client: client? })
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
                entries.extend(found.into_iter().map(|found| {
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

pub(super) async fn within<T>(patience: Duration, work: impl Future<Output = T>) -> Result<T, Failure> {
    let late = |_| Failure::unavailable(format!("no answer within {} s", patience.as_secs()));
    timeout(patience, work).await.map_err(late)
}
