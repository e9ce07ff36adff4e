//! The keys of a range, page by page, all of them as they are at one revision.

use std::time::Duration;

use etcd_client::{GetOptions, GetResponse, KeyValue, KvClient, ResponseHeader};

use crate::etcd::{Failure, GREETING, PATIENCE, is_too_large, within};

/// How many keys the first page may have: it comes soon, or not at all.
const FIRST: i64 = 1_000;

/// How many keys any other page may have. Few large pages: for each of them etcd counts all keys of the range.
const MOST: i64 = 100_000;

/// The keys of a range, page by page.
pub(super) struct Pages {
    kv: KvClient,
    /// The first key of the next page; `None` after the last one.
    from: Option<Vec<u8>>,
    end: Vec<u8>,
    limit: i64,
    patience: Duration,
    /// At which all pages are read; known from the first one on.
    pub(super) revision: i64,
}

impl Pages {
    /// The keys from the first one up to the one that ends the range.
    pub(super) fn of(kv: KvClient, (from, end): (Vec<u8>, Vec<u8>)) -> Self {
        Self { kv, from: Some(from), end, limit: FIRST, patience: GREETING, revision: 0 }
    }

    /// The next page, if there is one.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<KeyValue>>, Failure> {
        let Some(from) = self.from.take() else { return Ok(None) };
        let mut page = self.ask(from).await?;
        if self.revision == 0 {
            self.revision = page.header().map_or(0, ResponseHeader::revision);
            self.patience = PATIENCE;
            self.limit = if self.limit == FIRST { MOST } else { self.limit };
        }
        let (has_more, found) = (page.more(), page.take_kvs());
        self.from = found.last().filter(|_| has_more).map(|last| [last.key(), &[0]].concat());
        Ok(Some(found))
    }

    /// A page that is too large is asked for again, smaller.
    async fn ask(&mut self, from: Vec<u8>) -> Result<GetResponse, Failure> {
        loop {
            let options = GetOptions::new().with_range(self.end.clone());
            let options = options.with_revision(self.revision).with_limit(self.limit);
            match within(self.patience, self.kv.get(from.clone(), Some(options))).await? {
                Err(error) if is_too_large(&error) && self.limit > 1 => self.limit = (self.limit / 8).max(1),
                answer => return Ok(answer?),
            }
        }
    }
}
