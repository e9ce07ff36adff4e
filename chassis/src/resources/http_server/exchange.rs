//! From the head of a request to its answer: who answers, within which limits, and what if it goes wrong.
//!
//! A request passes through more code than the first cache of a processor holds. So what most requests do without
//! stands in functions that are not inlined, out of the way of the others.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    body::Body,
    extract::{ConnectInfo, DefaultBodyLimit, MatchedPath},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::{runtime::Handle, time::Instant};
use tower_service::Service;

use super::{
    answer::{Answered, X_CACHE},
    body::{Flow, FlowState, Reading, RequestBody, too_large},
    cache::CacheRule,
    content::is_gzip,
    endpoint::{Answering, Endpoint},
    outgoing::Outgoing,
    problem::Problem,
    record::Record,
    request::Request,
    shed::{self, Shed},
    site::{LiveSite, Site},
    table::Found,
};
use crate::{
    http::{Deadline, Exchange, Peer},
    process::{Panic, catch, catch_future},
    unit::{Lent, Outcome},
};

impl Exchange for LiveSite {
    type Body = Outgoing;

    fn call(
        &self,
        request: http::Request<Incoming>,
        peer: &Arc<Peer>,
        began: Instant,
    ) -> impl Future<Output = http::Response<Outgoing>> + Send + 'static {
        let mut handling = Handling { record: None, work: Work::Done, deadline: None };
        let site = &*self.now();
        match site.table.find(request.method(), request.uri().path()) {
            Found::Endpoint(endpoint, captured) => {
                let request = Request::new(request, endpoint, captured, peer);
                let record = handling.record.insert(Record::begin(site, peer, began, request.head(), Some(endpoint)));
                handling.work = admit(site, endpoint.never_shed, || {
                    is_addressed(record).and_then(|()| handle(record, request, endpoint))
                });
            }
            Found::OtherMethods(methods) => {
                let (head, _) = request.into_parts();
                let record = handling.record.insert(Record::begin(site, peer, began, &head, None));
                handling.work = admit(site, false, || {
                    is_addressed(record).and_then(|()| other_methods(record, &head, &methods.allow))
                });
            }
            Found::Nothing => {
                let (head, body) = request.into_parts();
                let record = handling.record.insert(Record::begin(site, peer, began, &head, None));
                handling.work =
                    admit(site, false, || is_addressed(record).and_then(|()| elsewhere(record, head, body)));
            }
        }
        handling
    }
}

/// What a request still needs.
///
/// Small, for it is moved about: hardly any request is answered without a handler.
enum Work {
    Answer(Box<Answered>),
    Handler(Answering),
    Done,
}

impl Work {
    fn answer(answered: Answered) -> Self {
        Self::Answer(Box::new(answered))
    }
}

/// A request being handled.
struct Handling {
    /// Absent once the answer is given.
    record: Option<Box<Record>>,
    work: Work,
    /// Made when the handler first has to wait.
    deadline: Option<Box<Deadline>>,
}

impl Future for Handling {
    type Output = http::Response<Outgoing>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(record) = &mut this.record else { return Poll::Pending };
        let answered = match std::mem::replace(&mut this.work, Work::Done) {
            Work::Done => return Poll::Pending,
            Work::Answer(answered) => *answered,
            Work::Handler(mut handler) => {
                let polled = {
                    let _unit = Lent::to_thread(&mut record.ids);
                    catch(|| handler.as_mut().poll(cx))
                };
                match polled {
                    Ok(Poll::Ready(response)) => Answered::new(response),
                    Err(panic) => panicked(panic),
                    Ok(Poll::Pending) if !is_late(&mut this.deadline, record, cx) => {
                        this.work = Work::Handler(handler);
                        return Poll::Pending;
                    }
                    Ok(Poll::Pending) => {
                        // What it holds is let go before anybody hears of it.
                        {
                            let _unit = Lent::to_thread(&mut record.ids);
                            drop(handler);
                        }
                        late(record)
                    }
                }
            }
        };
        match this.record.take() {
            Some(mut record) => {
                let mut answered = answered;
                if record.endpoint.is_none() {
                    record.merged_route = answered.response.extensions_mut().remove::<MatchedPath>();
                }
                Poll::Ready(answered.finish(record))
            }
            None => Poll::Pending,
        }
    }
}

impl Drop for Handling {
    /// The client is gone, or the server stops: a handler that has begun finishes, unless its route says otherwise.
    fn drop(&mut self) {
        let Work::Handler(handler) = std::mem::replace(&mut self.work, Work::Done) else { return };
        let Some(mut record) = self.record.take() else { return };
        let is_cancelled = record.endpoint.as_ref().is_some_and(|endpoint| endpoint.cancel_on_disconnect);
        // Where the runtime itself ends, nothing can go on.
        if is_cancelled || Handle::try_current().is_err() {
            let _unit = Lent::to_thread(&mut record.ids);
            drop(handler);
            return;
        }
        let peer = Arc::clone(&record.peer);
        record.is_disconnected = true;
        peer.finish_in_background(unheard(record, handler));
    }
}

/// Lets a handler finish for its own sake; the answer goes nowhere.
async fn unheard(mut record: Box<Record>, handler: Answering) {
    let timeout = record.endpoint.as_ref().and_then(|endpoint| endpoint.timeout);
    let ids = record.ids.make().cloned().unwrap_or_default();
    let handling = ids.wrap(catch_future(handler));
    let finished = match timeout {
        Some(timeout) => tokio::time::timeout_at(record.started + timeout, handling).await.ok(),
        None => Some(handling.await),
    };
    let answered = match finished {
        Some(Ok(response)) => Answered::new(response),
        Some(Err(panic)) => panicked(panic),
        None => late(&record),
    };
    answered.tell_unheard(&mut record);
}

/// Begins the work, unless there is too much of it already.
fn admit(site: &Site, never_shed: bool, begin: impl FnOnce() -> Result<Work, Box<Problem>>) -> Work {
    match site.load.begin().filter(|_| !never_shed) {
        Some(reason) => refuse(turned_away(site, reason), Outcome::Error),
        None => begin().unwrap_or_else(|problem| refuse(*problem, Outcome::Ok)),
    }
}

#[inline(never)]
fn refuse(problem: Problem, outcome: Outcome) -> Work {
    Work::answer(Answered::problem(problem, outcome))
}

/// Refuses a request that names no host, or several.
fn is_addressed(record: &Record) -> Result<(), Box<Problem>> {
    match record.is_addressed {
        true => Ok(()),
        false => Err(Box::new(Problem::bad_request("a request needs exactly one `Host` header"))),
    }
}

/// Answers a request whose path has routes, but not with this method.
#[inline(never)]
fn other_methods(record: &Record, head: &Parts, allow: &HeaderValue) -> Result<Work, Box<Problem>> {
    if let Some(work) = preflight(record, head, allow) {
        return Ok(work);
    }
    let detail = format!("this path takes {} only", allow.to_str().unwrap_or_default());
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED).detail(detail);
    Err(Box::new(problem.header(header::ALLOW, allow.clone())))
}

/// Answers a request whose path has no route.
#[inline(never)]
fn elsewhere(record: &mut Record, head: Parts, body: Incoming) -> Result<Work, Box<Problem>> {
    match preflight(record, &head, &HeaderValue::from_static("")) {
        Some(work) => Ok(work),
        None => merged(record, head, body),
    }
}

/// The answer to a page of another origin that asks whether it may ask.
fn preflight(record: &Record, head: &Parts, allow: &HeaderValue) -> Option<Work> {
    let headers = record.site.cors.as_ref()?.preflight(&head.method, &head.headers, allow)?;
    Some(Work::answer(Answered::new((StatusCode::NO_CONTENT, headers).into_response())))
}

/// Hands a request to the handler of its route, or answers out of the cache.
fn handle(record: &mut Record, mut request: Request, endpoint: &Endpoint) -> Result<Work, Box<Problem>> {
    if let Some(rule) = endpoint.cache.as_ref().filter(|_| request.body().is_none())
        && let Some(work) = cached(record, &request, rule)
    {
        return Ok(work);
    }
    let reading = receive(record, request.headers(), request.body(), endpoint.body_limit)?;
    request.set_reading(reading);
    Ok(Work::Handler((endpoint.handler)(request)))
}

/// The answer out of the cache, if it is there; otherwise notes where it goes.
#[inline(never)]
fn cached(record: &mut Record, request: &Request, rule: &CacheRule) -> Option<Work> {
    let key = rule.key(request.method(), request.uri(), request.headers())?;
    let Some((cached, age)) = record.site.cache.get(&key, Instant::now()) else {
        record.cache_key = Some(key);
        return None;
    };
    let mut response = Response::new(Body::from(cached.body));
    *response.status_mut() = cached.status;
    *response.headers_mut() = cached.headers;
    response.headers_mut().insert(header::AGE, HeaderValue::from(age.as_secs()));
    response.headers_mut().insert(X_CACHE, HeaderValue::from_static("HIT"));
    Some(Work::answer(Answered::new(response)))
}

/// Hands a request to the merged routers.
fn merged(record: &mut Record, head: Parts, body: Incoming) -> Result<Work, Box<Problem>> {
    let Some(router) = &record.site.merged else {
        return Err(Box::new(Problem::not_found().detail("nothing is served at this path")));
    };
    let mut router = router.clone();
    let limit = record.site.settings.body_limit.as_u64();
    let comes = Some(&body).filter(|body| !body.is_end_stream());
    let reading = receive(record, &head.headers, comes, limit)?;
    let is_gzip = reading.as_ref().is_some_and(|reading| reading.is_gzip);
    let body = match reading {
        Some(reading) => Body::new(RequestBody::new(body, reading)),
        None => Body::empty(),
    };
    let mut request = http::Request::from_parts(head, body);
    if is_gzip {
        request.headers_mut().remove(header::CONTENT_ENCODING);
        request.headers_mut().remove(header::CONTENT_LENGTH);
    }
    DefaultBodyLimit::disable().apply(&mut request);
    request.extensions_mut().insert(ConnectInfo(record.peer.address()));
    if let Some(tls) = record.peer.tls() {
        request.extensions_mut().insert(tls.clone());
    }
    let answering = router.call(request);
    Ok(Work::Handler(Box::pin(async move {
        match answering.await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    })))
}

/// Prepares the reading of a body, if one comes, or refuses it by its head alone.
fn receive(
    record: &mut Record,
    headers: &HeaderMap,
    body: Option<&Incoming>,
    limit: u64,
) -> Result<Option<Reading>, Box<Problem>> {
    let Some(body) = body else { return Ok(None) };
    let codings = headers.get_all(header::CONTENT_ENCODING).iter().map(HeaderValue::as_bytes);
    let Some(is_gzip) = is_gzip(codings) else {
        let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE)
            .detail("bodies may be compressed by gzip only, and once")
            .header(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        return Err(Box::new(problem));
    };
    if body.size_hint().lower() > limit {
        return Err(Box::new(too_large(limit)));
    }
    let reading = Reading { flow: Arc::new(Flow::new(limit)), is_gzip };
    record.flow = Some(Arc::clone(&reading.flow));
    Ok(Some(reading))
}

/// Whether the time is up; arms the deadline at the first call.
fn is_late(deadline: &mut Option<Box<Deadline>>, record: &Record, cx: &mut Context<'_>) -> bool {
    let timeout = match &record.endpoint {
        Some(endpoint) => endpoint.timeout,
        None => Some(record.site.settings.request_timeout).filter(|timeout| !timeout.is_zero()),
    };
    let Some(timeout) = timeout else { return false };
    let deadline = deadline.get_or_insert_with(|| Box::new(Deadline::at(&record.peer, record.started + timeout)));
    deadline.poll_passed(cx).is_ready()
}

/// The answer to a request that took too long: the client's fault if the handler still waited for its body.
#[cold]
fn late(record: &Record) -> Answered {
    let is_waiting = record.flow.as_ref().is_some_and(|flow| flow.state() == FlowState::Waiting);
    let problem = match is_waiting {
        true => Problem::new(StatusCode::REQUEST_TIMEOUT).detail("the body did not arrive in time"),
        false => Problem::new(StatusCode::GATEWAY_TIMEOUT).detail("the request took too long"),
    };
    Answered::problem(problem, Outcome::Timeout)
}

#[cold]
fn panicked(panic: Panic) -> Answered {
    let backtrace = panic.backtrace().map(str::to_owned);
    let problem = Problem::internal().detail("the handler panicked").because(panic);
    Answered::problem(problem, Outcome::Panic).with_backtrace(backtrace.as_deref())
}

#[cold]
fn turned_away(site: &Site, reason: Shed) -> Problem {
    site.meters.shed(match reason {
        Shed::Cap => "cap",
        Shed::Lag => "lag",
    });
    let seconds = shed::retry_after(site.load.share(), fastrand::u8(..3));
    Problem::unavailable(seconds).detail("the service is too busy; try again later")
}
