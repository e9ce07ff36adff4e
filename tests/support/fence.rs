//! A store behind a fence: it takes writes by TCP, and refuses those of earlier leaders.

use std::{
    io::{BufRead, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// A store that several writers reach at a port of 127.0.0.1, each with lines `name token`, which are answered with `taken` or
/// `refused`.
#[derive(Debug)]
pub struct Fence {
    port: u16,
    shared: Arc<(Mutex<Vec<Write>>, Condvar)>,
}

/// Something that was to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// When it arrived.
    pub at: Instant,
    /// Who wrote it.
    pub writer: String,
    /// Its fencing token.
    pub token: u64,
    /// Whether a greater token had been seen before.
    pub is_refused: bool,
}

impl Fence {
    /// A store without anything in it.
    ///
    /// # Panics
    ///
    /// When there is no port to listen at.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("no port: {error}"));
        let port = listener.local_addr().map_or(0, |address| address.port());
        let shared = Arc::<(Mutex<Vec<Write>>, Condvar)>::default();
        let writes = Arc::downgrade(&shared);
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                if writes.strong_count() == 0 {
                    return;
                }
                let writes = writes.clone();
                thread::spawn(move || {
                    serve(client, |writer, token| {
                        let shared = writes.upgrade()?;
                        Some(take(&shared, writer, token))
                    });
                });
            }
        });
        Self { port, shared }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// All that has arrived, in order.
    pub fn writes(&self) -> Vec<Write> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The newest one that was taken and for which it is true; waits for it.
    ///
    /// # Panics
    ///
    /// When there is none within 30 s.
    pub fn write_that(&self, what: &str, is_meant: impl Fn(&Write) -> bool) -> Write {
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut writes = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let found = writes.iter().rev().take_while(|write| write.at.elapsed() < Duration::from_secs(60));
            if let Some(found) = found.filter(|write| !write.is_refused).find(|write| is_meant(write)) {
                return found.clone();
            }
            assert!(Instant::now() < deadline, "no write that {what}; the last one: {:#?}", writes.last());
            writes =
                self.shared.1.wait_timeout(writes, Duration::from_millis(50)).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Fence {
    fn drop(&mut self) {
        self.shared = Arc::default();
        // Wakes the one that accepts.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn serve(client: TcpStream, take: impl Fn(&str, u64) -> Option<bool>) {
    let Ok(mut answers) = client.try_clone() else { return };
    let _ = client.set_nodelay(true);
    for line in BufReader::new(client).lines().map_while(Result::ok) {
        let Some((writer, token)) = line.split_once(' ') else { return };
        let Some(is_refused) = token.parse().ok().and_then(|token| take(writer, token)) else { return };
        let answer = if is_refused { "refused\n" } else { "taken\n" };
        if answers.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn take(shared: &(Mutex<Vec<Write>>, Condvar), writer: &str, token: u64) -> bool {
    let mut writes = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
    let is_refused = writes.iter().rev().find(|write| !write.is_refused).is_some_and(|newest| newest.token > token);
    writes.push(Write { at: Instant::now(), writer: writer.to_owned(), token, is_refused });
    shared.1.notify_all();
    is_refused
}
