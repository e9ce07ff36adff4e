//! One connection from its first byte to its end.

use std::{
    any::Any,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::BytesMut;
use hyper::{
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until, timeout},
};

use super::{
    ConnectionSettings, Exchange, Peer, Spawner,
    connections::Registration,
    exchange,
    patience::{Due, Patience, Sight},
    peer::Stage,
    settings::MAX_HEADERS_ON_STACK,
    tls::{Tls, TlsStream},
    transport::{Stream, Transport},
};

/// What a client sends first when it speaks HTTP/2.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How long a client that may still be sending is listened to after its answer: closed earlier, the kernel would
/// throw the answer away.
const LINGER: Duration = Duration::from_secs(1);

/// What a client gets whose head is not complete in time.
const TIMED_OUT: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// How new connections of a server speak.
#[derive(Debug)]
pub(super) struct Speech {
    http1: http1::Builder,
    http2: http2::Builder<Spawner>,
    pub(super) tls: Option<Arc<Tls>>,
}

impl Speech {
    pub(super) fn new(settings: &ConnectionSettings, tls: Option<Arc<Tls>>, spawner: &Spawner) -> Self {
        let mut http1 = http1::Builder::new();
        // Without a timer hyper arms none; a slow head is told by `Patience`, with one timer per connection.
        http1.max_header_size(settings.max_header_size.as_usize());
        if settings.max_headers != MAX_HEADERS_ON_STACK {
            http1.max_headers(settings.max_headers);
        }
        let mut http2 = http2::Builder::new(spawner.clone());
        http2
            .timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(settings.max_header_size.as_u64()).unwrap_or(u32::MAX))
            .max_concurrent_streams(settings.http2_max_concurrent_streams)
            .max_pending_accept_reset_streams(settings.http2_max_pending_resets)
            .keep_alive_timeout(settings.http2_keep_alive_timeout);
        if !settings.http2_keep_alive_interval.is_zero() {
            http2.keep_alive_interval(settings.http2_keep_alive_interval);
        }
        Self { http1, http2, tls }
    }
}

/// Serves a connection until it ends.
pub(super) async fn serve<E: Exchange>(stream: Stream, registration: Registration, exchange: E, speech: Arc<Speech>) {
    let peer = Arc::clone(registration.peer());
    let sleep = pin!(sleep_until(peer.opened()));
    let mut watch = Watch {
        patience: Patience::new(peer.connections().limits(), peer.opened()),
        sleep,
        armed: None,
        waker: None,
        tells_closing: false,
        peer: Arc::clone(&peer),
    };
    let (stream, agreed) = match (stream, &speech.tls) {
        (Stream::Tcp(stream), Some(tls)) => {
            let Some((stream, is_http2)) = watch.encrypt(tls, stream).await else { return };
            (Stream::Tls(stream), Some(is_http2))
        }
        (stream, _) => (stream, None),
    };
    let mut transport = Transport::new(stream, registration);
    let is_http2 = match agreed {
        Some(is_http2) => is_http2,
        None => {
            let Some(is_http2) = watch.find_http2(&mut transport).await else { return };
            is_http2
        }
    };
    // What others speak later is not kept waiting for this one's end.
    if is_http2 {
        peer.set_http2();
        watch.patience.set_http2();
        let builder = speech.http2.clone();
        drop(speech);
        http2(transport, &exchange, &builder, watch).await;
    } else {
        let builder = speech.http1.clone();
        drop(speech);
        http1(transport, &exchange, &builder, watch).await;
    }
}

async fn http1<E: Exchange>(mut transport: Transport, exchange: &E, builder: &http1::Builder, mut watch: Watch<'_>) {
    let peer = Arc::clone(&watch.peer);
    loop {
        let service = service_fn(|request| exchange::run(exchange, &peer, request));
        let mut connection = builder.serve_connection(TokioIo::new(transport), service).with_upgrades();
        let end = watch.until(|cx| Pin::new(&mut connection).poll(cx)).await;
        // After an upgrade the bytes belong to somebody else.
        let Some(parts) = connection.into_parts() else { return };
        transport = parts.io.into_inner();
        match end {
            End::Done(Ok(())) => {
                if peer.had_body() && !peer.is_read_to_end() {
                    linger(&mut transport).await;
                }
            }
            End::Done(Err(error)) => {
                if error.is_parse() {
                    peer.connections().refused_head(&peer, &error);
                    linger(&mut transport).await;
                }
            }
            End::Due(Due::Idle) => {
                // The runtime may not have noticed yet what the kernel has received.
                if transport.has_unread() {
                    transport.unread(parts.read_buf);
                    continue;
                }
                peer.connections().counters.idle.inc();
                // The client sees the end either way.
                let _ = transport.shutdown().await;
            }
            End::Due(Due::Head) => {
                peer.connections().timed_out_head(&peer);
                if peer.has_bytes() {
                    transport.end_with(TIMED_OUT).await;
                }
            }
            End::Due(Due::Stalled) => peer.connections().stalled(&peer),
            End::Due(Due::At(_) | Due::Exchange) | End::Closing | End::Cut => {}
            End::Panicked(panic) => peer.connections().panicked(&peer, &*panic),
        }
        return;
    }
}

async fn http2<E: Exchange>(
    transport: Transport,
    exchange: &E,
    builder: &http2::Builder<Spawner>,
    mut watch: Watch<'_>,
) {
    let peer = Arc::clone(&watch.peer);
    let service = service_fn(|request| exchange::run(exchange, &peer, request));
    let mut connection = pin!(builder.serve_connection(TokioIo::new(transport), service));
    watch.tells_closing = true;
    loop {
        match watch.until(|cx| connection.as_mut().poll(cx)).await {
            End::Done(Ok(())) | End::Cut => return,
            End::Done(Err(error)) => {
                if error.is_parse() || (peer.requests() == 0 && !peer.is_read_to_end()) {
                    peer.connections().refused_head(&peer, &error);
                }
                return;
            }
            End::Closing => connection.as_mut().graceful_shutdown(),
            End::Due(Due::Idle) if peer.stage() == Stage::Open => {
                peer.connections().counters.idle.inc();
                peer.set_stage(Stage::Closing);
            }
            End::Due(Due::Head) => {
                peer.connections().timed_out_head(&peer);
                return;
            }
            End::Due(Due::Stalled) => {
                peer.connections().stalled(&peer);
                return;
            }
            End::Due(Due::Idle | Due::At(_) | Due::Exchange) => return,
            End::Panicked(panic) => {
                peer.connections().panicked(&peer, &*panic);
                return;
            }
        }
    }
}

/// Reads on for a moment, so that an answer that is on its way is not thrown away by a reset.
async fn linger(transport: &mut Transport) {
    let mut unwanted = [0; 4096];
    let rest = async { while transport.read(&mut unwanted).await.is_ok_and(|bytes| bytes > 0) {} };
    // Whoever sends on has had enough time.
    let _ = timeout(LINGER, rest).await;
}

/// How a stretch of waiting ended.
enum End<T> {
    /// hyper is done.
    Done(T),
    /// The client took too long over something.
    Due(Due),
    /// The server closes.
    Closing,
    /// The server ends what is left.
    Cut,
    /// An exchange or its body panicked.
    Panicked(Box<dyn Any + Send>),
}

/// Watches over one connection with one timer.
struct Watch<'a> {
    patience: Patience,
    sleep: Pin<&'a mut Sleep>,
    /// When the timer fires at the latest; nothing is due earlier.
    armed: Option<Instant>,
    /// Who was registered to be woken, and by how manieth call.
    waker: Option<(Waker, u32)>,
    /// Whether the beginning of the close ends the waiting, once.
    tells_closing: bool,
    peer: Arc<Peer>,
}

impl Watch<'_> {
    /// Polls until it is ready or patience ends.
    async fn until<T>(&mut self, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> End<T> {
        poll_fn(|cx| self.poll_until(cx, &mut poll)).await
    }

    fn poll_until<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: &mut impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<End<T>> {
        self.register(cx);
        loop {
            match self.peer.stage() {
                Stage::Cut => return Poll::Ready(End::Cut),
                Stage::Closing if self.tells_closing => {
                    self.tells_closing = false;
                    return Poll::Ready(End::Closing);
                }
                Stage::Open | Stage::Closing => {}
            }
            match catch_unwind(AssertUnwindSafe(|| poll(cx))) {
                Ok(Poll::Ready(done)) => return Poll::Ready(End::Done(done)),
                Ok(Poll::Pending) => {}
                Err(panic) => return Poll::Ready(End::Panicked(panic)),
            }
            let at = self.patience.see(self.sight(), Instant::now);
            if !self.is_time(at, cx) {
                return Poll::Pending;
            }
            let now = Instant::now();
            let waits_since = if self.peer.is_http2() { self.peer.waits_since() } else { None };
            match self.patience.due(self.sight(), waits_since, now) {
                Due::At(_) => {}
                Due::Exchange => self.peer.pass_deadline(),
                due @ (Due::Head | Due::Idle | Due::Stalled) => return Poll::Ready(End::Due(due)),
            }
        }
    }

    /// Whether something may be due; arms the timer when nothing is.
    fn is_time(&mut self, at: Instant, cx: &mut Context<'_>) -> bool {
        if self.armed.is_none_or(|armed| at < armed) {
            self.sleep.as_mut().reset(at);
            self.armed = Some(at);
            if self.sleep.as_mut().poll(cx).is_pending() {
                return false;
            }
        } else if !self.sleep.is_elapsed() {
            return false;
        }
        self.armed = None;
        true
    }

    fn sight(&self) -> Sight {
        let peer = &self.peer;
        Sight {
            in_flight: peer.in_flight(),
            requests: peer.requests(),
            began: peer.began(),
            has_bytes: peer.has_bytes() && !peer.is_http2(),
            is_blocked: peer.is_blocked(),
            written: peer.written(),
            is_closing: peer.is_closing(),
            deadline: peer.deadline(),
        }
    }

    /// Sees to it that a change of the stage or the limits wakes this task.
    fn register(&mut self, cx: &Context<'_>) {
        let calls = self.peer.calls();
        let is_known = self.waker.as_ref().is_some_and(|(known, at)| *at == calls && known.will_wake(cx.waker()));
        if !is_known {
            // Whoever calls uses up the waker. The stage is read once more after this.
            self.waker = Some((cx.waker().clone(), calls));
            self.peer.register(cx.waker());
            self.patience.set_limits(self.peer.connections().limits());
        }
    }

    /// Shakes hands, and tells whether HTTP/2 was agreed on.
    async fn encrypt(&mut self, tls: &Tls, stream: TcpStream) -> Option<(TlsStream, bool)> {
        let mut handshake = pin!(tls.accept(stream));
        match self.until(|cx| handshake.as_mut().poll(cx)).await {
            End::Done(Ok((stream, info))) => {
                let is_http2 = info.is_http2;
                self.peer.set_tls(info);
                self.patience.start_over(Instant::now());
                Some((stream, is_http2))
            }
            End::Done(Err(error)) => {
                self.peer.connections().failed_handshake(&self.peer, &error);
                None
            }
            End::Due(_) | End::Closing | End::Cut | End::Panicked(_) => None,
        }
    }

    /// Reads until it is clear whether the client speaks HTTP/2, and puts back what was read.
    async fn find_http2(&mut self, transport: &mut Transport) -> Option<bool> {
        let mut head = BytesMut::with_capacity(1024);
        let found = {
            let mut find = pin!(async {
                while head.len() < PREFACE.len() && PREFACE.starts_with(&head) {
                    if transport.read_buf(&mut head).await.unwrap_or(0) == 0 {
                        break;
                    }
                }
                head.starts_with(PREFACE)
            });
            self.until(|cx| find.as_mut().poll(cx)).await
        };
        match found {
            End::Done(is_http2) => {
                if head.is_empty() {
                    return None;
                }
                transport.unread(head.freeze());
                Some(is_http2)
            }
            End::Due(Due::Head) => {
                self.peer.connections().timed_out_head(&self.peer);
                if self.peer.has_bytes() {
                    transport.end_with(TIMED_OUT).await;
                }
                None
            }
            End::Due(_) => {
                let _ = transport.shutdown().await;
                None
            }
            End::Closing | End::Cut | End::Panicked(_) => None,
        }
    }
}
