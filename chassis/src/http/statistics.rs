//! What a server counts: connections and their troubles. Requests are counted by whoever answers them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::{
    Result,
    metrics::{Counter, CounterHandle, Gauge, GaugeHandle, Labels, MeterOptions, Metrics},
};

/// Numbers of a server since it was bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Statistics {
    /// Connections there are.
    pub(crate) open: usize,
    /// Exchanges there are.
    pub(crate) in_flight: usize,
    /// Connections there were.
    pub(crate) accepted: u64,
    /// What was no HTTP, or had a head too large.
    pub(crate) refused_heads: u64,
    /// Heads that did not arrive in time.
    pub(crate) timed_out_heads: u64,
    /// TLS handshakes that failed.
    pub(crate) failed_handshakes: u64,
    /// Connections closed because no request came.
    pub(crate) idle: u64,
    /// Connections closed because the client did not take its answer.
    pub(crate) stalled: u64,
    /// Connections closed by a panic.
    pub(crate) panicked: u64,
    /// Failures to accept, such as having no file descriptor left.
    pub(crate) accept_errors: u64,
}

/// Meters of the connections of one server.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    server: Box<str>,
    open: GaugeHandle,
    accepted: CounterHandle,
    ends: Counter<ByReason<'static>>,
    accept_errors: CounterHandle,
}

#[derive(Labels)]
struct ByServer<'a> {
    server: &'a str,
}

#[derive(Labels)]
struct ByReason<'a> {
    server: &'a str,
    reason: &'static str,
}

impl Figures {
    /// The meters of the server of that name.
    ///
    /// # Errors
    /// When the service has meters of these names that are something else.
    pub(crate) fn new(metrics: &Metrics, server: &str) -> Result<Self> {
        let options = |name, help| MeterOptions::new(name, help).without_prefix();
        let open: Gauge<ByServer<'static>> =
            metrics.meter(options("http_server_connections", "Connections there are."))?;
        let accepted: Counter<ByServer<'static>> =
            metrics.meter(options("http_server_connections_accepted", "Connections there were."))?;
        let accept_errors: Counter<ByServer<'static>> =
            metrics.meter(options("http_server_accept_errors", "Failures to accept connections."))?;
        Ok(Self {
            server: server.into(),
            open: open.handle(&ByServer { server }),
            accepted: accepted.handle(&ByServer { server }),
            accept_errors: accept_errors.handle(&ByServer { server }),
            ends: metrics.meter(options(
                "http_server_connections_ended",
                "Connections that the server ended, other than after their last answer.",
            ))?,
        })
    }
}

/// What has happened so far.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) accepted: Count,
    pub(super) refused_heads: Count,
    pub(super) timed_out_heads: Count,
    pub(super) failed_handshakes: Count,
    pub(super) idle: Count,
    pub(super) stalled: Count,
    pub(super) panicked: Count,
    pub(super) accept_errors: Count,
    open: Option<GaugeHandle>,
}

impl Counters {
    pub(super) fn new(figures: Option<&Figures>) -> Self {
        let Some(figures) = figures else { return Self::default() };
        let Figures { server, open, accepted, ends, accept_errors } = figures;
        let count = |figure: &CounterHandle| Count { figure: Some(figure.clone()), ..Count::default() };
        let end = |reason| count(ends.with(&ByReason { server, reason }));
        Self {
            accepted: count(accepted),
            refused_heads: end("refused_head"),
            timed_out_heads: end("timed_out_head"),
            failed_handshakes: end("failed_handshake"),
            idle: end("idle"),
            stalled: end("stalled"),
            panicked: end("panic"),
            accept_errors: count(accept_errors),
            open: Some(open.clone()),
        }
    }

    /// Notes how many connections there are.
    pub(super) fn set_open(&self, open: usize) {
        if let Some(figure) = &self.open {
            figure.set(open);
        }
    }
}

/// Counts what happens to connections, not to requests, so it needs no stripes.
#[derive(Debug, Default)]
pub(super) struct Count {
    count: AtomicU64,
    figure: Option<CounterHandle>,
}

impl Count {
    pub(super) fn inc(&self) {
        self.count.fetch_add(1, Relaxed);
        if let Some(figure) = &self.figure {
            figure.inc();
        }
    }

    pub(super) fn get(&self) -> u64 {
        self.count.load(Relaxed)
    }
}
