//! How long a connection may keep its server waiting.
//!
//! Pure decisions: the connection's task owns the clock and the one timer, which it arms again only when something is
//! due earlier than before, so that a request on a busy connection arms none.

use std::time::Duration;

use tokio::time::Instant;

use super::ConnectionSettings;

/// Connections that had a request this often are held longer at a stop than those that did not.
const USUAL_PAUSES: u32 = 10;

/// The most any connection is held, in times of the usual hold.
const LONGEST_HOLD: u32 = 20;

/// Bytes that tell an answer from the small talk of HTTP/2. hyper lets go of an answer once it has buffered all of it.
const LEAST_ANSWER: u64 = 256;

/// The limits of one connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) header: Duration,
    pub(super) keep_alive: Duration,
    pub(super) write: Duration,
    pub(super) hold: Duration,
    pub(super) is_http2: bool,
}

impl From<&ConnectionSettings> for Limits {
    fn from(settings: &ConnectionSettings) -> Self {
        Self {
            header: settings.header_read_timeout,
            keep_alive: settings.keep_alive_timeout,
            write: settings.write_timeout,
            hold: settings.idle_hold,
            is_http2: false,
        }
    }
}

/// What there is to see of a connection after its task did all it could.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sight {
    pub(super) in_flight: usize,
    /// Requests so far.
    pub(super) requests: u64,
    /// When the latest of them began, if that is known.
    pub(super) began: Option<Instant>,
    /// Bytes came that belong to no exchange.
    pub(super) has_bytes: bool,
    pub(super) is_blocked: bool,
    /// Bytes written so far.
    pub(super) written: u64,
    pub(super) is_closing: bool,
    /// When the exchange wants to be woken.
    pub(super) deadline: Option<Instant>,
}

/// What the waiting has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing yet; look again then.
    At(Instant),
    /// The head of a request did not arrive in time.
    Head,
    /// No request came for long enough.
    Idle,
    /// The client does not take its answer.
    Stalled,
    /// The time of the exchange is up.
    Exchange,
}

/// Follows one connection.
#[derive(Debug)]
pub(super) struct Patience {
    limits: Limits,
    opened: Instant,
    phase: Phase,
    /// When the phase began.
    since: Instant,
    requests: u64,
    /// Bytes written when it was last seen to do something.
    written: u64,
    /// Since when nothing could be written, and how much was written before.
    blocked: Option<(Instant, u64)>,
    closing: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Waits for the rest of a head, or for the first one.
    Head,
    /// Waits for a request.
    Idle,
    /// Works on one.
    Busy,
}

impl Patience {
    pub(super) fn new(limits: Limits, opened: Instant) -> Self {
        Self {
            limits,
            opened,
            phase: Phase::Head,
            since: opened,
            requests: 0,
            written: 0,
            blocked: None,
            closing: None,
        }
    }

    /// Waits for the first head from `now` on.
    pub(super) fn start_over(&mut self, now: Instant) {
        self.since = now;
    }

    /// Goes on with other limits; what the client was given before counts.
    pub(super) fn set_limits(&mut self, limits: Limits) {
        self.limits = Limits { is_http2: self.limits.is_http2, ..limits };
    }

    /// Goes on with an HTTP/2 connection, whose client says by itself when it is done.
    pub(super) fn set_http2(&mut self) {
        self.limits.is_http2 = true;
    }

    /// Takes in what changed, and tells when it has to be looked at again at the latest.
    pub(super) fn see(&mut self, sight: Sight, now: impl Fn() -> Instant) -> Instant {
        self.see_writes(&sight, &now);
        if sight.is_closing && self.closing.is_none() {
            self.closing = Some(now());
        }
        let phase = match (sight.in_flight > 0, sight.has_bytes) {
            (true, _) => Phase::Busy,
            (false, true) => Phase::Head,
            (false, false) if sight.requests == 0 => Phase::Head,
            (false, false) => Phase::Idle,
        };
        let is_sending = self.limits.is_http2 && sight.written >= self.written + LEAST_ANSWER;
        if phase != self.phase || sight.requests != self.requests || is_sending {
            // A request that is answered at the first look has taken no time to speak of: the clock is not read again.
            let began = sight.began.filter(|_| sight.requests != self.requests && !sight.is_blocked);
            self.since = began.unwrap_or_else(now);
            self.written = sight.written;
            self.phase = phase;
            self.requests = sight.requests;
        }
        self.next(&sight)
    }

    /// What the waiting has come to by `now`; of the streams of HTTP/2, one has waited for the client since
    /// `waits_since`.
    pub(super) fn due(&mut self, sight: Sight, waits_since: Option<Instant>, now: Instant) -> Due {
        if sight.deadline.is_some_and(|at| at <= now) {
            return Due::Exchange;
        }
        let stalls_at = [self.stalls_at(), waits_since.map(|since| since + self.limits.write)];
        if stalls_at.into_iter().flatten().any(|at| at <= now) {
            return Due::Stalled;
        }
        let at = self.next(&sight);
        match self.phase {
            _ if at > now => Due::At(at),
            Phase::Head if sight.has_bytes || self.closing.is_none() => Due::Head,
            Phase::Head | Phase::Idle => Due::Idle,
            Phase::Busy => {
                self.since = now;
                Due::At(self.next(&sight))
            }
        }
    }

    /// When it has to be looked at again if nothing happens.
    fn next(&self, sight: &Sight) -> Instant {
        let phase = match (self.phase, self.closing) {
            // An HTTP/2 stream may end without its connection being told, so it is looked at from time to
            // time.
            (Phase::Busy, _) => self.since + self.limits.keep_alive.min(self.limits.write),
            (Phase::Head, None) => self.since + self.limits.header,
            (Phase::Idle, None) => self.since + self.limits.keep_alive,
            (Phase::Head, Some(_)) if sight.has_bytes => self.since + self.limits.header,
            // Somebody who has just connected is about to ask.
            (Phase::Head, Some(closing)) => {
                (closing + self.limits.hold).max(self.opened + USUAL_PAUSES * self.limits.hold)
            }
            // A client that was sent GOAWAY says when it has nothing on its way any more.
            (Phase::Idle, Some(closing)) if self.limits.is_http2 => {
                closing.max(self.since) + USUAL_PAUSES * self.limits.hold
            }
            (Phase::Idle, Some(closing)) => (closing + self.limits.hold).max(self.since + self.hold()),
        };
        [Some(phase), sight.deadline, self.stalls_at()].into_iter().flatten().min().unwrap_or(phase)
    }

    /// How long after its latest request a connection is held at a stop.
    ///
    /// A client that asks again and again will do so soon, and is then told that the connection closes; whoever asks
    /// rarely is not worth waiting for.
    fn hold(&self) -> Duration {
        let Limits { hold, .. } = self.limits;
        let requests = u32::try_from(self.requests).unwrap_or(u32::MAX).max(1);
        let pause = self.since.saturating_duration_since(self.opened) / requests;
        let enough = pause.saturating_mul(USUAL_PAUSES);
        if self.requests > 1 && enough <= hold * LONGEST_HOLD { enough.max(hold) } else { hold }
    }

    fn stalls_at(&self) -> Option<Instant> {
        self.blocked.map(|(since, _)| since + self.limits.write)
    }

    fn see_writes(&mut self, sight: &Sight, now: impl Fn() -> Instant) {
        self.blocked = match self.blocked {
            _ if !sight.is_blocked => None,
            Some((since, written)) if written == sight.written => Some((since, written)),
            _ => Some((now(), sight.written)),
        };
    }
}

#[cfg(test)]
mod tests;
