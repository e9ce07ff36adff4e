//! Kafka brokers that are processes of their own and keep what they are given: killed and started again as a test asks.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{program::free_port, proxy::Proxy, tool::tool};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// One broker, `tansu`, with a folder of its own.
#[derive(Debug)]
pub struct KafkaServer {
    program: PathBuf,
    folder: TempDir,
    port: u16,
    /// Where clients are told to go.
    advertised: u16,
    process: Option<Child>,
    /// It lets in only those it knows.
    asks_who: bool,
}

impl KafkaServer {
    /// A server that answers; `None` with a note where `tansu` is not installed.
    ///
    /// # Panics
    ///
    /// When it does not start, or is missing although it was promised.
    pub fn start() -> Option<Self> {
        let port = free_port();
        Self::at(port, port)
    }

    /// A server that all clients go to through a proxy.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn behind_a_proxy() -> Option<(Self, Proxy)> {
        Self::behind(Proxy::to)
    }

    /// A server that all clients go to through what leads to it.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn behind(leading_to: impl FnOnce(u16) -> Proxy) -> Option<(Self, Proxy)> {
        let port = free_port();
        let proxy = leading_to(port);
        Some((Self::at(port, proxy.port())?, proxy))
    }

    /// A server at this port that tells its clients to come to the other one.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn at(port: u16, advertised: u16) -> Option<Self> {
        let (program, python) = (tool("tansu")?, tool("python3")?);
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder for Kafka: {error}"));
        let mut server = Self { program, folder, port, advertised, process: None, asks_who: false };
        server.launch();
        server.wait();
        server.find_headers_with(&python);
        Some(server)
    }

    /// A server that lets in only these users, by SCRAM: of each the name, the password and how the password is kept,
    /// `scram256` or `scram512`.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn with_users(users: &[(&str, &str, &str)]) -> Option<Self> {
        let mut server = Self::start()?;
        for (name, password, mechanism) in users {
            let broker = format!("tcp://127.0.0.1:{}", server.port);
            let mut make = Command::new(&server.program);
            let make = make.args(["user", "create", "--broker", &broker, "--mechanism", mechanism, name, password]);
            let made = make.output().unwrap_or_else(|error| panic!("tansu: {error}"));
            assert!(made.status.success(), "no user for Kafka: {}", String::from_utf8_lossy(&made.stderr));
        }
        server.asks_who = true;
        server.launch();
        server.wait();
        Some(server)
    }

    /// Its table of headers has no index: without one, every message that is read costs a look at the headers of all,
    /// and with a hundred thousand of them it answers nothing any more.
    fn find_headers_with(&self, python: &Path) {
        self.alter(python, "create index header_place on header (topition, offset_id)");
    }

    fn alter(&self, python: &Path, how: &str) {
        let alter =
            format!("import sqlite3; c = sqlite3.connect('kafka.db', timeout=30); c.execute('{how}'); c.commit()");
        let altered = Command::new(python).args(["-c", &alter]).current_dir(self.folder.path()).output();
        let altered = altered.unwrap_or_else(|error| panic!("python3: {error}"));
        assert!(altered.status.success(), "{how}: {}", String::from_utf8_lossy(&altered.stderr));
    }

    /// Kills it, calls all users by other names, or by their own again, and starts it.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn rename_users(&mut self) {
        self.kill();
        let python = tool("python3").unwrap_or_else(|| panic!("python3 has gone"));
        let (other, own) = ("\"other \" || username", "substr(username, 7)");
        self.alter(
            &python,
            &format!("update scram_credential set username = iif(username like \"other %\", {own}, {other})"),
        );
        self.launch();
        self.wait();
    }

    /// Where clients find it.
    pub fn servers(&self) -> String {
        format!("127.0.0.1:{}", self.advertised)
    }

    /// Kills it as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = (process.kill(), process.wait());
        }
    }

    /// Starts it again with what is on its disk, and does not wait for it.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub fn launch(&mut self) {
        self.kill();
        let folder = self.folder.path();
        let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("log.txt"));
        let log = log.unwrap_or_else(|error| panic!("the log of Kafka: {error}"));
        let errors = log.try_clone().unwrap_or_else(|error| panic!("the log of Kafka: {error}"));
        let url = |port: u16| format!("tcp://127.0.0.1:{port}");
        let process = Command::new(&self.program)
            .args(["broker", "--listener-url", &url(self.port), "--advertised-listener-url", &url(self.advertised)])
            // Its path is taken from where it runs.
            .args(["--storage-engine", "sqlite://kafka.db"])
            .args(self.asks_who.then_some("--authentication"))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn();
        self.process = Some(process.unwrap_or_else(|error| panic!("tansu: {error}")));
    }

    /// Waits until it answers, and tells when it did.
    ///
    /// # Panics
    ///
    /// When it does not in time.
    pub fn wait(&self) -> Instant {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "Kafka does not answer\n{}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
        Instant::now()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log.txt")).unwrap_or_default()
    }
}

impl Drop for KafkaServer {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            let log = self.log();
            let last: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!("--- Kafka, last lines first\n{}\n---", last.join("\n"));
        }
    }
}
