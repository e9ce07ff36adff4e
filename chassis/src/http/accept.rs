//! The accept loop: lets clients in while the server is open and has room, and empties the queue when it closes.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Instant, sleep, timeout_at},
};

use super::connections::Connections;

/// What the accept loop is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gate {
    /// Nothing yet.
    Bound,
    /// Let clients in.
    Open,
    /// Let in who is already at the door, then lock it.
    Closing,
    /// Lock it.
    Cut,
}

/// The first pause after a failure to accept; doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Acceptor<F> {
    pub(super) listener: Arc<TcpListener>,
    pub(super) gate: watch::Receiver<Gate>,
    pub(super) connections: Arc<Connections>,
    /// Nobody waits for room any more.
    pub(super) is_closing: bool,
    /// Begins to serve a connection.
    pub(super) admit: F,
    pub(super) latest: Option<Instant>,
    /// Whoever waits for room.
    pub(super) at_the_door: Option<(TcpStream, SocketAddr)>,
    pub(super) failures: Failures,
}

impl<F: Fn(TcpStream, SocketAddr)> Acceptor<F> {
    pub(super) async fn run(mut self) {
        while self.gate() == Gate::Bound {
            if self.gate.changed().await.is_err() {
                return;
            }
        }
        while self.gate() == Gate::Open {
            let mut changes = self.gate.clone();
            tokio::select! {
                biased;
                changed = changes.changed() => if changed.is_err() { return },
                () = self.accept() => {}
            }
        }
        if self.gate() == Gate::Closing {
            let mut changes = self.gate.clone();
            tokio::select! {
                // Cut, or nobody is left who could.
                _ = changes.changed() => {}
                () = self.close() => {}
            }
        }
    }

    /// What is to be done, from where on a change is news.
    fn gate(&mut self) -> Gate {
        *self.gate.borrow_and_update()
    }

    /// Accepts one connection, and begins to serve it once there is room.
    ///
    /// One client more than there is room for is known of; the others wait in the kernel.
    async fn accept(&mut self) {
        if self.at_the_door.is_none() {
            match self.listener.accept().await {
                Ok(client) => self.at_the_door = Some(client),
                Err(error) => {
                    if let Some(pause) = self.failures.failed(&error) {
                        self.connections.counters.accept_errors.inc();
                        self.connections.set_accept_problem(Some(format!("cannot accept connections: {error}")));
                        sleep(pause).await;
                    }
                    return;
                }
            }
        }
        if !self.is_closing {
            self.connections.room().await;
        }
        if let Some((stream, address)) = self.at_the_door.take() {
            self.take_in(stream, address);
        }
    }

    fn take_in(&mut self, stream: TcpStream, address: SocketAddr) {
        if self.failures.succeeded() {
            self.connections.set_accept_problem(None);
        }
        self.latest = Some(Instant::now());
        // Answers are written in one piece; waiting for more to send only delays them.
        if stream.set_nodelay(true).is_ok() {
            (self.admit)(stream, address);
        }
    }

    /// Serves everybody who has connected, so that closing the listener resets nobody.
    async fn close(&mut self) {
        // A stop may not wait for room: whoever is at the door is let in.
        self.is_closing = true;
        let hold = self.connections.limits().hold;
        if let Some((stream, address)) = self.at_the_door.take() {
            self.take_in(stream, address);
        }
        if self.connections.len() > 0 {
            let end = Instant::now() + hold;
            while timeout_at(end, self.accept()).await.is_ok() {}
        }
        self.refuse_new();
        self.empty();
        if self.latest.is_some_and(|latest| latest.elapsed() < hold) {
            // Clients are coming and going: handshakes that had begun end now.
            sleep(hold / 20).await;
            self.empty();
        }
    }

    /// Takes in who is waiting in the accept queue; asks the kernel, not what the runtime has noticed so far.
    fn empty(&mut self) {
        while let Ok((socket, address)) = socket2::SockRef::from(&*self.listener).accept() {
            let stream = socket.set_nonblocking(true).and_then(|()| TcpStream::from_std(socket.into()));
            if let (Ok(stream), Some(address)) = (stream, address.as_socket()) {
                self.take_in(stream, address);
            }
        }
    }

    /// Lets the kernel begin no further handshake, so that the queue stays empty once it is.
    #[cfg(target_os = "linux")]
    fn refuse_new(&self) {
        use libc::{BPF_ABS, BPF_B, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET};
        use socket2::SockFilter;

        /// Where the flags are in a TCP header, and the one that begins a connection.
        const FLAGS: u32 = 13;
        const SYN: u32 = 0x02;
        #[expect(clippy::cast_possible_truncation, reason = "operation codes have 16 bits")]
        let operation = |code: u32, jt, jf, k| SockFilter::new(code as u16, jt, jf, k);
        let drop_syn = [
            operation(BPF_LD | BPF_B | BPF_ABS, 0, 0, FLAGS),
            operation(BPF_JMP | BPF_JSET | BPF_K, 0, 1, SYN),
            operation(BPF_RET | BPF_K, 0, 0, 0),
            operation(BPF_RET | BPF_K, 0, 0, u32::MAX),
        ];
        // Without it a client that connects within the next microseconds is reset instead of refused.
        let _ = socket2::SockRef::from(&*self.listener).attach_filter(&drop_syn);
    }

    #[cfg(not(target_os = "linux"))]
    fn refuse_new(&self) {}
}

/// Failures to accept in a row: how long to wait, and one line in the log for all of them.
#[derive(Debug, Default)]
pub(super) struct Failures {
    in_a_row: u32,
}

impl Failures {
    /// How long to wait after `error`; not at all when it concerned one client only.
    fn failed(&mut self, error: &io::Error) -> Option<Duration> {
        use io::ErrorKind as Kind;
        if matches!(
            error.kind(),
            Kind::ConnectionAborted | Kind::ConnectionReset | Kind::ConnectionRefused | Kind::Interrupted
        ) {
            return None;
        }
        if self.in_a_row == 0 {
            tracing::error!("cannot accept connections: {error}; clients wait until it works again");
        }
        let factor = 2_u32.saturating_pow(self.in_a_row);
        self.in_a_row = self.in_a_row.saturating_add(1);
        Some(FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE))
    }

    /// Whether that is news.
    fn succeeded(&mut self) -> bool {
        let is_news = self.in_a_row > 0;
        if is_news {
            tracing::info!("accepts connections again, after {} failures", self.in_a_row);
            self.in_a_row = 0;
        }
        is_news
    }
}
