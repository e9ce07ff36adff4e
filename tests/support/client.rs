//! A plain HTTP/1.1 client on a blocking socket: it sends exactly what a test says, and nothing else.

use std::{
    fmt::Write as _,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// One connection, kept alive between requests.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<TcpStream>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Header names in lower case, in the order of the answer.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When nobody listens.
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        Ok(Client { stream: BufReader::new(stream) })
    }

    /// Sends one request on a connection of its own.
    ///
    /// # Errors
    ///
    /// When the connection fails, or what comes back is no HTTP.
    pub fn once(address: SocketAddr, method: &str, target: &str, body: &str) -> io::Result<Answer> {
        Client::connect(address)?.send(method, target, &[("connection", "close")], body)
    }

    /// Sends one request and reads its answer.
    ///
    /// # Errors
    ///
    /// When the connection fails, or what comes back is no HTTP.
    pub fn send(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> io::Result<Answer> {
        let mut head = format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\n");
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if !body.is_empty() {
            let _ = write!(head, "content-length: {}\r\n", body.len());
        }
        head.push_str("\r\n");
        head.push_str(body);
        self.raw(head.as_bytes())?;
        self.answer(method == "HEAD")
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    ///
    /// When the connection fails.
    pub fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Reads one answer; that to `HEAD` has no body.
    ///
    /// # Errors
    ///
    /// When the connection fails, or what comes back is no HTTP.
    pub fn answer(&mut self, is_head: bool) -> io::Result<Answer> {
        let status_line = self.line()?;
        let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let Some(status) = status.filter(|_| status_line.starts_with("HTTP/1.")) else {
            return Err(malformed(&status_line));
        };
        let mut answer = Answer { status, headers: Vec::new(), body: Vec::new() };
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| malformed(&line))?;
            answer.headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        if status < 200 {
            return self.answer(is_head);
        }
        if !is_head && status != 204 && status != 304 {
            answer.body = self.body(&answer)?;
        }
        Ok(answer)
    }

    /// Whether the server has closed the connection; waits for that at most for `patience`.
    pub fn is_closed(&mut self, patience: Duration) -> bool {
        let stream = self.stream.get_ref();
        let read = stream.set_read_timeout(Some(patience)).and_then(|()| self.stream.read(&mut [0]));
        match read {
            Ok(length) => length == 0,
            Err(error) => !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut),
        }
    }

    fn body(&mut self, answer: &Answer) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if answer.header("transfer-encoding") == Some("chunked") {
            loop {
                let line = self.line()?;
                let length = u64::from_str_radix(line.trim(), 16).map_err(|_| malformed(&line))?;
                (&mut self.stream).take(length).read_to_end(&mut body)?;
                self.line()?;
                if length == 0 {
                    return Ok(body);
                }
            }
        }
        match answer.header("content-length").and_then(|length| length.parse().ok()) {
            Some(length) => (&mut self.stream).take(length).read_to_end(&mut body)?,
            None => self.stream.read_to_end(&mut body)?,
        };
        Ok(body)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Answer {
    /// The first header of that name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// When it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("no HTTP: `{what}`"))
}
