//! Stands between a client and a server, and fails as told.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::net::sockopt::set_socket_linger;

/// How often the halves of a connection look at what they are to do.
const GLANCE: Duration = Duration::from_millis(5);

/// A port of 127.0.0.1 that leads to another one. Everything ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    mode: Arc<AtomicU8>,
}

/// What becomes of connections.
mod mode {
    pub(super) const PASS: u8 = 0;
    /// They are accepted and stay open, and nothing goes through.
    pub(super) const SWALLOW: u8 = 1;
    /// They are closed.
    pub(super) const CUT: u8 = 2;
    pub(super) const END: u8 = 3;
    /// They are closed as a machine that has forgotten them does.
    pub(super) const RESET: u8 = 4;
    /// Little goes through.
    pub(super) const SLOW: u8 = 5;
}

/// How much of a direction goes through at a glance while it is slow: 50 KB a second.
const LITTLE: usize = 256;

/// Bytes that are to be replaced by as many others.
type Swap = Arc<(Vec<u8>, Vec<u8>)>;

impl Proxy {
    /// Leads to this port.
    ///
    /// # Panics
    ///
    /// When there is no port to listen at.
    pub fn to(target: u16) -> Self {
        Self::start(target, [None, None])
    }

    /// Leads to this port, and says there `other` where the client says `this`, which is as long.
    ///
    /// # Panics
    ///
    /// As [`to`](Self::to), and when the lengths differ.
    pub fn replacing(target: u16, this: &[u8], other: &[u8]) -> Self {
        Self::start(target, [Some(swap(this, other)), None])
    }

    /// Leads to this port, and says to the client `other` where `this` is said there, which is as long.
    ///
    /// # Panics
    ///
    /// As [`replacing`](Self::replacing).
    pub fn answering(target: u16, this: &[u8], other: &[u8]) -> Self {
        Self::start(target, [None, Some(swap(this, other))])
    }

    fn start(target: u16, [there, back]: [Option<Swap>; 2]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("no port: {error}"));
        let port = listener.local_addr().map_or(0, |address| address.port());
        let mode = Arc::new(AtomicU8::new(mode::PASS));
        let proxy = Self { port, mode: Arc::clone(&mode) };
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                match mode.load(Ordering::Acquire) {
                    mode::END => return,
                    mode::CUT | mode::RESET => continue,
                    _ => {}
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else { continue };
                let (Ok(to), Ok(from)) = (server.try_clone(), client.try_clone()) else { continue };
                let (one, other) = (Arc::clone(&mode), Arc::clone(&mode));
                let (there, back) = (there.clone(), back.clone());
                thread::spawn(move || carry(client, to, &one, there));
                thread::spawn(move || carry(server, from, &other, back));
            }
        });
        proxy
    }

    /// Its address, as a client of etcd writes it.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Everything goes through, also what was held up.
    pub fn heal(&self) {
        self.mode.store(mode::PASS, Ordering::Release);
    }

    /// Connections stay open, and nothing goes through.
    pub fn swallow(&self) {
        self.mode.store(mode::SWALLOW, Ordering::Release);
    }

    /// Connections are closed, and new ones at once.
    pub fn cut(&self) {
        self.mode.store(mode::CUT, Ordering::Release);
    }

    /// Connections are reset, and new ones closed at once.
    pub fn reset(&self) {
        self.mode.store(mode::RESET, Ordering::Release);
    }

    /// Connections stay open, and little goes through.
    pub fn slow(&self) {
        self.mode.store(mode::SLOW, Ordering::Release);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.mode.store(mode::END, Ordering::Release);
        // Wakes the one that accepts.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn swap(this: &[u8], other: &[u8]) -> Swap {
    assert_eq!(this.len(), other.len(), "the lengths of the two");
    Arc::new((this.to_vec(), other.to_vec()))
}

/// One direction of a connection.
fn carry(mut from: TcpStream, mut to: TcpStream, mode: &AtomicU8, swap: Option<Swap>) {
    let _ = from.set_read_timeout(Some(GLANCE));
    let mut buffer = vec![0; 64 << 10];
    loop {
        let most = if mode.load(Ordering::Acquire) == mode::SLOW { LITTLE } else { buffer.len() };
        let length = match from.read(&mut buffer[..most]) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => 0,
            Err(_) => break,
        };
        while mode.load(Ordering::Acquire) == mode::SWALLOW {
            thread::sleep(GLANCE);
        }
        if let Some(swap) = &swap {
            replace(&mut buffer[..length], swap);
        }
        match mode.load(Ordering::Acquire) {
            mode::PASS => {}
            mode::SLOW => thread::sleep(GLANCE),
            mode::RESET => {
                // The last one that lets go of it sends no farewell then.
                let _ = (set_socket_linger(&from, Some(Duration::ZERO)), set_socket_linger(&to, Some(Duration::ZERO)));
                return;
            }
            _ => break,
        }
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

fn replace(bytes: &mut [u8], swap: &(Vec<u8>, Vec<u8>)) {
    let (this, other) = swap;
    let mut from = 0;
    while let Some(at) = bytes[from..].windows(this.len()).position(|window| window == this) {
        bytes[from + at..from + at + this.len()].copy_from_slice(other);
        from += at + this.len();
    }
}
