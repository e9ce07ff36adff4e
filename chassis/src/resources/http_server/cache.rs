//! Answers that are given again for a while: the cache of routes that have `cache = "10s"`.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use tokio::time::Instant;

/// What an entry costs besides its key and body: headers and bookkeeping, roughly.
const OVERHEAD: usize = 512;

/// What a route says about its answers.
#[derive(Debug, Clone)]
pub(super) struct CacheRule {
    /// Whether the route takes all methods.
    pub(super) is_any: bool,
    /// Which route it is; two routes never share an answer.
    pub(super) route: usize,
    /// How long an answer is good.
    pub(super) time_to_live: Duration,
    /// The request headers that the answer depends on.
    pub(super) by: Arc<[HeaderName]>,
}

/// Answers by route, path, query and chosen headers; bounded in bytes, the oldest goes first.
#[derive(Default)]
pub(super) struct ResponseCache {
    capacity: AtomicUsize,
    store: Mutex<Store>,
}

/// An answer as it is kept.
#[derive(Debug, Clone)]
pub(super) struct Cached {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// What tells two requests to one route apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    text: Box<[u8]>,
    /// The request headers that are part of it.
    by: Arc<[HeaderName]>,
}

#[derive(Default)]
struct Store {
    entries: HashMap<Key, Entry>,
    /// The keys of the entries by their numbers, which is the order of storing.
    order: BTreeMap<u64, Key>,
    size: usize,
    next: u64,
}

struct Entry {
    number: u64,
    stored: Instant,
    expires: Instant,
    answer: Cached,
}

impl CacheRule {
    /// The key of a request without a body, or `None` when its answer may be meant for one client alone.
    pub(super) fn key(&self, method: &Method, uri: &Uri, request: &HeaderMap) -> Option<Key> {
        let is_personal = |name: HeaderName| request.contains_key(&name) && !self.by.contains(&name);
        if is_personal(header::AUTHORIZATION) || is_personal(header::COOKIE) || request.contains_key(header::RANGE) {
            return None;
        }
        let mut key = self.route.to_le_bytes().to_vec();
        // `HEAD` is answered as `GET`, and its body left out later; a handler of all methods tells them apart itself.
        let is_get = *method == Method::HEAD && !self.is_any;
        let method = if is_get { &Method::GET } else { method };
        key.extend(method.as_str().as_bytes());
        key.push(b' ');
        key.extend(uri.path_and_query().map_or("/", |path| path.as_str()).as_bytes());
        for name in self.by.iter() {
            for value in request.get_all(name) {
                // Neither a path nor a header can hold these bytes, so that no two requests run together.
                key.push(b'\n');
                key.extend(value.as_bytes());
            }
            key.push(b'\r');
        }
        Some(Key { text: key.into(), by: Arc::clone(&self.by) })
    }
}

impl ResponseCache {
    /// Keeps about so many bytes from now on; none to begin with.
    pub(super) fn resize(&self, capacity: usize, now: Instant) {
        self.capacity.store(capacity, Relaxed);
        self.store.lock().unwrap_or_else(PoisonError::into_inner).shrink_to(capacity, now);
    }

    /// The answer to a request and how old it is.
    pub(super) fn get(&self, key: &Key, now: Instant) -> Option<(Cached, Duration)> {
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = store.entries.get(key).filter(|entry| now < entry.expires)?;
        Some((entry.answer.clone(), now.duration_since(entry.stored)))
    }

    /// Keeps an answer, unless it says that it depends on more than the key tells. One that would take more than an
    /// eighth of the room is not worth the others.
    pub(super) fn put(&self, key: Key, answer: Cached, now: Instant, time_to_live: Duration) {
        let size = size(&key, &answer);
        let capacity = self.capacity.load(Relaxed);
        if size > capacity / 8 || varies(&answer.headers, &key.by) {
            return;
        }
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let number = store.next;
        store.next += 1;
        let entry = Entry { number, stored: now, expires: now + time_to_live, answer };
        store.size += size;
        if let Some(replaced) = store.entries.insert(key.clone(), entry) {
            store.size -= self::size(&key, &replaced.answer);
            store.order.remove(&replaced.number);
        }
        store.order.insert(number, key);
        store.shrink_to(capacity, now);
    }
}

impl Store {
    fn shrink_to(&mut self, capacity: usize, now: Instant) {
        while let Some(first) = self.order.first_entry() {
            let is_expired = self.entries.get(first.get()).is_none_or(|entry| entry.expires <= now);
            if !is_expired && self.size <= capacity {
                return;
            }
            let key = first.remove();
            if let Some(entry) = self.entries.remove(&key) {
                self.size -= size(&key, &entry.answer);
            }
        }
    }
}

/// What an entry costs, roughly.
fn size(key: &Key, answer: &Cached) -> usize {
    let headers: usize = answer.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    key.text.len() + headers + answer.body.len() + OVERHEAD
}

/// Whether an answer depends on request headers that are not in `by`. Compression is left to the server, which keeps
/// what is not compressed yet.
fn varies(answer: &HeaderMap, by: &[HeaderName]) -> bool {
    let is_told_apart = |name: &[u8]| {
        by.iter().any(|known| name.eq_ignore_ascii_case(known.as_str().as_bytes()))
            || (name.eq_ignore_ascii_case(b"accept-encoding") && !answer.contains_key(header::CONTENT_ENCODING))
    };
    let names = answer.get_all(header::VARY).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    !names.map(<[u8]>::trim_ascii).all(|name| name.is_empty() || is_told_apart(name))
}

/// Whether an answer may be given to others: a success that does not forbid it.
pub(super) fn is_cacheable(status: StatusCode, headers: &HeaderMap) -> bool {
    let forbids = |value: &HeaderValue| {
        let text = value.as_bytes().to_ascii_lowercase();
        let says = |word: &[u8]| text.windows(word.len()).any(|part| part == word);
        says(b"no-store") || says(b"no-cache") || says(b"private")
    };
    status.is_success()
        && status != StatusCode::PARTIAL_CONTENT
        && !headers.contains_key(header::SET_COOKIE)
        && !headers.get_all(header::CACHE_CONTROL).iter().any(forbids)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache_of(capacity: usize) -> ResponseCache {
        let cache = ResponseCache::default();
        cache.resize(capacity, Instant::now());
        cache
    }

    fn rule(by: &'static [&'static str]) -> CacheRule {
        let by = by.iter().map(|name| HeaderName::from_static(name)).collect();
        CacheRule { route: 1, is_any: false, time_to_live: Duration::from_secs(10), by }
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    fn key(path: &'static str) -> Option<Key> {
        rule(&[]).key(&Method::GET, &Uri::from_static(path), &HeaderMap::new())
    }

    fn answer(size: usize) -> Cached {
        Cached { status: StatusCode::OK, headers: HeaderMap::new(), body: Bytes::from(vec![0; size]) }
    }

    #[test]
    fn the_query_and_the_chosen_headers_tell_requests_apart() {
        let rule = rule(&["accept-language"]);
        let of = |path, pairs: &[_]| rule.key(&Method::GET, &Uri::from_static(path), &headers(pairs));
        let by_method = |method: Method| rule.key(&method, &Uri::from_static("/a"), &HeaderMap::new());
        assert_ne!(by_method(Method::GET), by_method(Method::DELETE));
        assert_eq!(by_method(Method::GET), by_method(Method::HEAD));
        let any = CacheRule { is_any: true, ..rule.clone() };
        assert_ne!(
            any.key(&Method::HEAD, &Uri::from_static("/a"), &HeaderMap::new()),
            any.key(&Method::GET, &Uri::from_static("/a"), &HeaderMap::new())
        );
        assert_ne!(of("/a?x=1", &[]), of("/a?x=2", &[]));
        assert_ne!(of("/a", &[("accept-language", "de")]), of("/a", &[("accept-language", "en")]));
        assert_eq!(of("/a", &[("user-agent", "one")]), of("/a", &[("user-agent", "two")]));
    }

    #[test]
    fn an_answer_for_one_client_is_never_kept() {
        assert_eq!(
            rule(&[]).key(&Method::GET, &Uri::from_static("/"), &headers(&[("authorization", "Bearer x")])),
            None
        );
        assert_eq!(rule(&[]).key(&Method::GET, &Uri::from_static("/"), &headers(&[("cookie", "a=b")])), None);
        assert!(rule(&["cookie"]).key(&Method::GET, &Uri::from_static("/"), &headers(&[("cookie", "a=b")])).is_some());
        assert!(!is_cacheable(StatusCode::OK, &headers(&[("set-cookie", "a=b")])));
        assert!(!is_cacheable(StatusCode::OK, &headers(&[("cache-control", "max-age=0, No-Store")])));
        assert!(!is_cacheable(StatusCode::OK, &headers(&[("cache-control", "no-cache")])));
        assert!(!is_cacheable(StatusCode::NOT_FOUND, &HeaderMap::new()));
        assert!(is_cacheable(StatusCode::CREATED, &HeaderMap::new()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_good_for_its_time_and_says_its_age() {
        let cache = cache_of(1 << 20);
        let Some(key) = key("/a") else { panic!("no key") };
        cache.put(key.clone(), answer(1), Instant::now(), Duration::from_secs(10));
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(cache.get(&key, Instant::now()).map(|(_, age)| age), Some(Duration::from_secs(9)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(cache.get(&key, Instant::now()).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_goes_when_the_room_is_used_up_and_the_books_stay_right() {
        let cache = cache_of(16 * 1024);
        let keys: Vec<Key> =
            ["/0", "/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8", "/9"].into_iter().filter_map(key).collect();
        let hour = Duration::from_secs(3600);
        for key in keys.iter().chain(&keys[..2]) {
            cache.put(key.clone(), answer(1500), Instant::now(), hour);
        }
        let kept: Vec<bool> = keys.iter().map(|key| cache.get(key, Instant::now()).is_some()).collect();
        // Of ten, eight fit; the first two were stored again last.
        assert_eq!(kept, [true, true, false, false, true, true, true, true, true, true]);
        let store = cache.store.lock().unwrap_or_else(PoisonError::into_inner);
        let size: usize = store.entries.iter().map(|(key, entry)| size(key, &entry.answer)).sum();
        assert_eq!(store.size, size);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_stored_again_and_again_behind_an_old_answer_does_not_pile_up() {
        let cache = cache_of(1 << 20);
        let (Some(old), Some(busy)) = (key("/old"), key("/busy")) else { panic!("no key") };
        cache.put(old, answer(1), Instant::now(), Duration::from_secs(3600));
        for _ in 0..100 {
            cache.put(busy.clone(), answer(1), Instant::now(), Duration::from_secs(1));
        }
        assert_eq!(cache.store.lock().unwrap_or_else(PoisonError::into_inner).order.len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_depends_on_more_than_the_key_is_not_kept() {
        let is_kept = |vary: &[(&'static str, &'static str)]| {
            let request = headers(&[("accept-language", "de")]);
            let Some(key) = rule(&["accept-language"]).key(&Method::GET, &Uri::from_static("/"), &request) else {
                panic!("no key")
            };
            let cache = cache_of(1 << 20);
            let answer = Cached { headers: headers(vary), ..answer(1) };
            cache.put(key.clone(), answer, Instant::now(), Duration::from_secs(1));
            cache.get(&key, Instant::now()).is_some()
        };
        for kept in [&[][..], &[("vary", "Accept-Language")], &[("vary", "accept-encoding, accept-language")]] {
            assert!(is_kept(kept), "{kept:?}");
        }
        let encoded = [("vary", "accept-encoding"), ("content-encoding", "br")];
        for not_kept in [&[("vary", "*")][..], &[("vary", "accept-language, X-Tenant")], &encoded] {
            assert!(!is_kept(not_kept), "{not_kept:?}");
        }
    }

    #[test]
    fn what_would_push_out_all_others_is_not_kept() {
        let cache = cache_of(8 * 1024);
        let Some(key) = key("/a") else { panic!("no key") };
        cache.put(key.clone(), answer(2000), Instant::now(), Duration::from_secs(10));
        assert!(cache.get(&key, Instant::now()).is_none());
    }
}
