//! The figures of an HTTP server, named after the conventions of OpenTelemetry.

use std::{sync::OnceLock, time::Duration};

use http::{Method, StatusCode};

use crate::{
    Result,
    metrics::{
        Counter, CounterHandle, Gauge, GaugeHandle, Histogram, HistogramHandle, Labels, MeterOptions, Metrics,
        framework::WorkFigures,
    },
    unit::{Kind, Outcome},
};

/// All figures of one server.
pub(super) struct Meters {
    server: Box<str>,
    duration: Histogram<ByAnswer<'static>>,
    received: Counter<ByRoute<'static>>,
    sent: Counter<ByRoute<'static>>,
    shed: Counter<ByReason<'static>>,
    in_flight: GaugeHandle,
    /// Requests as one kind of the work that every service counts.
    work: WorkFigures,
    /// In the order of [`Outcome::ALL`].
    outcomes: [CounterHandle; Outcome::ALL.len()],
}

/// The figures of one route: found once, so that a request neither searches nor allocates.
pub(super) struct EndpointMeters {
    server: Box<str>,
    method: Box<str>,
    route: Box<str>,
    duration: Histogram<ByAnswer<'static>>,
    classes: [OnceLock<HistogramHandle>; CLASSES.len()],
    received: CounterHandle,
    sent: CounterHandle,
}

#[derive(Labels)]
struct ByAnswer<'a> {
    server: &'a str,
    method: &'a str,
    route: &'a str,
    status: &'static str,
}

#[derive(Labels)]
struct ByRoute<'a> {
    server: &'a str,
    method: &'a str,
    route: &'a str,
}

#[derive(Labels)]
struct ByReason<'a> {
    server: &'a str,
    reason: &'static str,
}

#[derive(Labels)]
struct ByServer<'a> {
    server: &'a str,
}

/// Statuses are counted by class; the last one is for what is none.
const CLASSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "other"];

impl Meters {
    pub(super) fn new(metrics: &Metrics, server: &str) -> Result<Self> {
        let options = |name, help| MeterOptions::new(name, help).without_prefix();
        let in_flight: Gauge<ByServer<'static>> =
            metrics.meter(options("http_server_requests_in_flight", "Requests at work."))?;
        let work = metrics.framework().work(Kind::Request.as_str());
        Ok(Self {
            server: server.into(),
            duration: metrics.meter(
                options("http_server_request_duration", "From a request's head to the end of its handler.")
                    .unit("seconds"),
            )?,
            received: metrics.meter(
                options("http_server_request_body", "Bytes of bodies that came in, compressed ones as they came.")
                    .unit("bytes"),
            )?,
            sent: metrics
                .meter(options("http_server_response_body", "Bytes of bodies that went out.").unit("bytes"))?,
            shed: metrics.meter(options("http_server_requests_shed", "Requests turned away because of load."))?,
            in_flight: in_flight.handle(&ByServer { server }),
            outcomes: Outcome::ALL.map(|outcome| work.outcome(outcome.as_str())),
            work,
        })
    }

    /// A request begins.
    pub(super) fn begin(&self) {
        self.work.in_flight().inc();
    }

    /// A request that has begun ends.
    pub(super) fn ended(&self, outcome: Outcome) {
        self.work.in_flight().dec();
        self.outcomes[outcome as usize].inc();
    }

    /// The figures of a route; `any` as a method is every one.
    pub(super) fn endpoint(&self, method: Option<&Method>, route: &str) -> EndpointMeters {
        let method = method.map_or("any", Method::as_str);
        let labels = ByRoute { server: &self.server, method, route };
        EndpointMeters {
            received: self.received.handle(&labels),
            sent: self.sent.handle(&labels),
            server: self.server.clone(),
            method: method.into(),
            route: route.into(),
            duration: self.duration.clone(),
            classes: Default::default(),
        }
    }

    /// Counts a request that no route of this server answered; `route` is the path in a merged router, or empty.
    pub(super) fn record_elsewhere(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        // A client may invent methods, and each would be a series.
        let method = if is_standard(method) { method.as_str() } else { "other" };
        let labels = ByAnswer { server: &self.server, method, route, status: CLASSES[class(status)] };
        self.duration.with(&labels).record(took);
    }

    pub(super) fn shed(&self, reason: &'static str) {
        self.shed.with(&ByReason { server: &self.server, reason }).inc();
    }

    pub(super) fn set_in_flight(&self, in_flight: usize) {
        self.in_flight.set(in_flight);
    }
}

impl EndpointMeters {
    pub(super) fn record(&self, status: StatusCode, took: Duration, received: u64, sent: u64) {
        let class = class(status);
        let series = self.classes[class].get_or_init(|| {
            let (server, method, route) = (&*self.server, &*self.method, &*self.route);
            self.duration.handle(&ByAnswer { server, method, route, status: CLASSES[class] })
        });
        series.record(took);
        if received > 0 {
            self.received.add(received);
        }
        if sent > 0 {
            self.sent.add(sent);
        }
    }
}

fn class(status: StatusCode) -> usize {
    match status.as_u16() / 100 {
        class @ 1..=5 => usize::from(class) - 1,
        _ => CLASSES.len() - 1,
    }
}

fn is_standard(method: &Method) -> bool {
    [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::OPTIONS,
        Method::TRACE,
        Method::CONNECT,
    ]
    .contains(method)
}
