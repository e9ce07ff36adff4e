//! One endpoint of etcd: connecting, reading at one revision, watching from there.

use std::{future::Future, time::Duration};

use etcd_client::{Client, GetOptions, GetResponse, KvClient, WatchOptions, WatchStream};
use tokio::time::timeout;

use super::{
    certificates::Certificates,
    diagnosis::diagnose,
    failure::{Failure, is_auth_disabled, is_too_large},
    options::Options,
    tree::Keys,
};

/// How long the first answer may take: then the next endpoint is tried.
const GREETING: Duration = Duration::from_secs(3);

/// How long a page may take, which can be large.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many keys are asked for at once, at most.
const PAGE: i64 = 20_000;

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
    /// Connects, says who is asking, and makes sure that it is etcd that answers.
    pub(super) async fn open(options: &Options, endpoint: &str) -> Result<Self, Failure> {
        let certificates = options.certificates(endpoint)?;
        let opened = Self::try_open(options, endpoint, certificates.as_ref()).await;
        match opened {
            Err(failure) if failure.is_vague => Err(diagnose(endpoint, certificates.as_ref()).await.unwrap_or(failure)),
            opened => opened,
        }
    }

    async fn try_open(options: &Options, endpoint: &str, certificates: Option<&Certificates>) -> Result<Self, Failure> {
        let connect = |with_user| Client::connect([endpoint], Some(options.connect(certificates, with_user)));
        let client = match within(GREETING, connect(true)).await? {
            // What etcd's own client does: a server without users serves everybody.
            Err(error) if is_auth_disabled(&error) => within(GREETING, connect(false)).await?,
            connected => connected,
        };
        let mut client = client?;
        let (first, _) = range(&options.prefix);
        within(GREETING, client.get(first, Some(GetOptions::new().with_keys_only()))).await??;
        Ok(Self { client })
    }

    /// Whether the key exists.
    pub(super) async fn has(&mut self, key: &str) -> Result<bool, Failure> {
        let found = within(PATIENCE, self.client.get(key, Some(GetOptions::new().with_count_only()))).await??;
        Ok(found.count() > 0)
    }

    /// Reads everything below the prefix, all of it as it is at one revision.
    pub(super) async fn read(&mut self, prefix: &str) -> Result<Snapshot, Failure> {
        let mut kv = self.client.kv_client().max_decoding_message_size(LARGEST);
        let (mut from, end) = range(prefix);
        let (mut keys, mut revision, mut limit) = (Keys::default(), 0, PAGE);
        loop {
            let options = GetOptions::new().with_range(end.clone()).with_limit(limit).with_revision(revision);
            let mut page = page(&mut kv, from.clone(), options, &mut limit).await?;
            if revision == 0 {
                revision = page.header().map_or(0, etcd_client::ResponseHeader::revision);
            }
            let (has_more, found) = (page.more(), page.take_kvs());
            let last = found.last().map(|found| found.key().to_vec());
            for found in found {
                let revision = found.mod_revision();
                let (key, value) = found.into_key_value();
                keys.put(key, &value, revision);
            }
            match last {
                Some(last) if has_more => {
                    from = last;
                    from.push(0);
                }
                _ => return Ok(Snapshot { keys, revision }),
            }
        }
    }

    /// Follows everything below the prefix from this revision on.
    pub(super) async fn watch(&mut self, prefix: &str, revision: i64) -> Result<WatchStream, Failure> {
        let (from, end) = range(prefix);
        let options = WatchOptions::new().with_range(end).with_start_revision(revision);
        let mut watch = self.client.watch_client().max_decoding_message_size(LARGEST);
        Ok(within(PATIENCE, watch.watch(from, Some(options))).await??)
    }
}

/// One page; a page that is too large is asked for again, smaller.
async fn page(kv: &mut KvClient, from: Vec<u8>, options: GetOptions, limit: &mut i64) -> Result<GetResponse, Failure> {
    loop {
        match within(PATIENCE, kv.get(from.clone(), Some(options.clone().with_limit(*limit)))).await? {
            Err(error) if is_too_large(&error) && *limit > 1 => *limit = (*limit / 8).max(1),
            answer => return Ok(answer?),
        }
    }
}

/// The first key below the prefix, and the first one behind all of them.
fn range(prefix: &str) -> (Vec<u8>, Vec<u8>) {
    let after_slash = b'/' + 1;
    (format!("{prefix}/").into_bytes(), [prefix.as_bytes(), &[after_slash]].concat())
}

async fn within<T>(patience: Duration, work: impl Future<Output = T>) -> Result<T, Failure> {
    let late = |_| Failure::unavailable(format!("no answer within {} s", patience.as_secs()));
    timeout(patience, work).await.map_err(late)
}
