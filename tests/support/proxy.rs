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
}

impl Proxy {
    /// Leads to this port.
    ///
    /// # Panics
    ///
    /// When there is no port to listen at.
    pub fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("no port: {error}"));
        let port = listener.local_addr().map_or(0, |address| address.port());
        let mode = Arc::new(AtomicU8::new(mode::PASS));
        let proxy = Self { port, mode: Arc::clone(&mode) };
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                match mode.load(Ordering::Acquire) {
                    mode::END => return,
                    mode::CUT => continue,
                    _ => {}
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else { continue };
                let (Ok(to), Ok(from)) = (server.try_clone(), client.try_clone()) else { continue };
                let (one, other) = (Arc::clone(&mode), Arc::clone(&mode));
                thread::spawn(move || carry(client, to, &one));
                thread::spawn(move || carry(server, from, &other));
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
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.mode.store(mode::END, Ordering::Release);
        // Wakes the one that accepts.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

/// One direction of a connection.
fn carry(mut from: TcpStream, mut to: TcpStream, mode: &AtomicU8) {
    let _ = from.set_read_timeout(Some(GLANCE));
    let mut buffer = vec![0; 64 << 10];
    loop {
        let length = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => 0,
            Err(_) => break,
        };
        while mode.load(Ordering::Acquire) == mode::SWALLOW {
            thread::sleep(GLANCE);
        }
        if mode.load(Ordering::Acquire) != mode::PASS || to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
