//! The load: many connections that are kept alive, one request in flight on each, no time lost in between.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// Connections served in turn by one thread: while it waits for one answer, the server has the requests of all the
/// others before it. It never sleeps, for the kernel charges the waking of a client to the server that answers it, and
/// the slower of two servers would pay for more of them.
#[derive(Debug)]
pub(crate) struct Load {
    connections: Vec<TcpStream>,
    request: Vec<u8>,
    /// The length of every answer, known from the first.
    length: usize,
}

impl Load {
    /// Opens the connections and learns the length of the answer to `GET target`.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached or does not answer with 200 and a length.
    pub(crate) fn open(address: SocketAddr, target: &str, connections: usize) -> io::Result<Self> {
        let request =
            format!("GET {target} HTTP/1.1\r\nhost: localhost\r\nuser-agent: load\r\naccept: */*\r\n\r\n").into_bytes();
        let connections = (0..connections)
            .map(|_| {
                let stream = TcpStream::connect(address)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(Duration::from_secs(10)))?;
                Ok(stream)
            })
            .collect::<io::Result<Vec<_>>>()?;
        let mut load = Load { connections, request, length: 0 };
        load.learn()?;
        load.connections.iter().try_for_each(|connection| connection.set_nonblocking(true))?;
        Ok(load)
    }

    fn learn(&mut self) -> io::Result<()> {
        for connection in &mut self.connections {
            connection.write_all(&self.request)?;
            let mut answer = Vec::new();
            self.length = loop {
                let mut part = [0; 4096];
                let read = connection.read(&mut part)?;
                answer.extend_from_slice(&part[..read]);
                if let Some(length) = length_of(&answer) {
                    break length;
                }
                if read == 0 {
                    return Err(refused(&answer));
                }
            };
            if !answer.starts_with(b"HTTP/1.1 200") || answer.len() != self.length {
                return Err(refused(&answer));
            }
        }
        Ok(())
    }

    /// Sends requests for that time and returns how many were answered, and in which time exactly.
    ///
    /// # Errors
    ///
    /// When a connection breaks, or an answer has another status.
    pub(crate) fn run(&mut self, time: Duration) -> io::Result<(u64, Duration)> {
        let began = Instant::now();
        for connection in &mut self.connections {
            connection.write_all(&self.request)?;
        }
        let mut answered = 0;
        let mut buffer = vec![0; self.length.max(64) * 2];
        loop {
            let is_last = began.elapsed() >= time;
            for connection in &mut self.connections {
                read_answer(connection, &mut buffer, self.length)?;
                answered += 1;
                if !is_last {
                    connection.write_all(&self.request)?;
                }
            }
            if is_last {
                return Ok((answered, began.elapsed()));
            }
        }
    }
}

/// Answers differ in length only where a header does (a counter, a duration), so the shape is checked, not each byte.
fn read_answer(connection: &mut TcpStream, buffer: &mut [u8], usual: usize) -> io::Result<()> {
    let mut filled = 0;
    loop {
        let read = match connection.read(&mut buffer[filled..]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                std::hint::spin_loop();
                continue;
            }
            read => read?,
        };
        if read == 0 {
            return Err(refused(&buffer[..filled]));
        }
        filled += read;
        // The usual length saves looking for the end of the head.
        if filled == usual || length_of(&buffer[..filled]).is_some_and(|length| length == filled) {
            return if buffer.starts_with(b"HTTP/1.1 200") { Ok(()) } else { Err(refused(&buffer[..filled])) };
        }
    }
}

/// The length of the whole answer, once its head is there.
fn length_of(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&answer[..head]).ok()?.to_ascii_lowercase();
    let (_, after) = text.split_once("content-length:")?;
    let body: usize = after.split('\r').next()?.trim().parse().ok()?;
    Some(head + body)
}

fn refused(answer: &[u8]) -> io::Error {
    io::Error::other(format!("unexpected answer: {:?}", String::from_utf8_lossy(answer)))
}
