//! Private etcd servers: started for a test, killed and started again as it asks, gone at its end.

use std::{
    fs,
    io::Write as _,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{program::free_port, tool::tool};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// One etcd server with a data folder of its own.
#[derive(Debug)]
pub struct EtcdServer {
    folder: TempDir,
    client: u16,
    peer: u16,
    name: String,
    scheme: &'static str,
    /// What is given to the server besides its addresses.
    arguments: Vec<String>,
    /// What `etcdctl` is given besides the endpoint.
    identity: Vec<String>,
    process: Option<Child>,
}

impl EtcdServer {
    /// A server that answers; `None` with a note where etcd is not installed.
    ///
    /// # Panics
    ///
    /// When it does not start, or is missing although it was promised.
    pub fn start() -> Option<Self> {
        Self::with(&[])
    }

    /// A server with further arguments.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn with(arguments: &[&str]) -> Option<Self> {
        let mut server = Self::prepare("single", "http")?;
        server.arguments.extend(arguments.iter().map(ToString::to_string));
        server.arguments.extend(server.alone());
        server.launch();
        server.wait();
        Some(server)
    }

    /// Three servers that are one etcd.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn cluster() -> Option<[Self; 3]> {
        let mut servers =
            [Self::prepare("one", "http")?, Self::prepare("two", "http")?, Self::prepare("three", "http")?];
        let members: Vec<String> =
            servers.iter().map(|server| format!("{}=http://127.0.0.1:{}", server.name, server.peer)).collect();
        let members = members.join(",");
        for server in &mut servers {
            server.arguments.extend(["--initial-cluster".to_owned(), members.clone()]);
            // A leader that is gone is missed soon.
            server.arguments.extend(["--heartbeat-interval=20", "--election-timeout=200"].map(str::to_owned));
            server.launch();
        }
        servers.iter().for_each(Self::wait);
        Some(servers)
    }

    /// A server that shows this certificate, and asks for one of the same authority.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn with_tls(authority: &Path, certificate: &Path, key: &Path, asks: bool) -> Option<Self> {
        let mut server = Self::prepare("tls", "https")?;
        let flag = |name: &str, path: &Path| format!("--{name}={}", path.display());
        server.arguments.extend([flag("cert-file", certificate), flag("key-file", key)]);
        if asks {
            server.arguments.extend([flag("trusted-ca-file", authority), "--client-cert-auth".to_owned()]);
        }
        server.identity = vec![flag("cacert", authority), flag("cert", certificate), flag("key", key)];
        server.arguments.extend(server.alone());
        server.launch();
        Some(server)
    }

    fn prepare(name: &str, scheme: &'static str) -> Option<Self> {
        tool("etcd")?;
        tool("etcdctl")?;
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder for etcd: {error}"));
        let (client, peer) = (free_port(), free_port());
        let (arguments, identity) = (Vec::new(), Vec::new());
        Some(Self { folder, client, peer, name: name.to_owned(), scheme, arguments, identity, process: None })
    }

    fn alone(&self) -> [String; 2] {
        ["--initial-cluster".to_owned(), format!("{}=http://127.0.0.1:{}", self.name, self.peer)]
    }

    /// Its address, as a client writes it.
    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.client)
    }

    /// The port for clients.
    pub fn port(&self) -> u16 {
        self.client
    }

    /// Runs `etcdctl` on this server, and returns what it prints.
    ///
    /// # Panics
    ///
    /// When it fails.
    pub fn ctl(&self, arguments: &[&str]) -> String {
        self.ctl_with(arguments, b"")
    }

    /// Runs `etcdctl` with something to read.
    ///
    /// # Panics
    ///
    /// When it fails.
    pub fn ctl_with(&self, arguments: &[&str], input: &[u8]) -> String {
        let output = self.try_ctl(arguments, input);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "etcdctl {arguments:?}: {complaint}\n{}", self.log());
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs `etcdctl`, which may fail.
    ///
    /// # Panics
    ///
    /// When it cannot be run.
    pub fn try_ctl(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = Command::new("etcdctl");
        command.env("ETCDCTL_API", "3").arg("--endpoints").arg(self.url()).args(&self.identity).args(arguments);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("etcdctl: {error}"));
        if let Some(mut stdin) = child.stdin.take() {
            // Whatever does not read is told by its exit code.
            let _ = stdin.write_all(input);
        }
        child.wait_with_output().unwrap_or_else(|error| panic!("etcdctl: {error}"))
    }

    /// Writes one key.
    pub fn put(&self, key: &str, value: &str) {
        // By its input: a value may begin with a dash.
        self.ctl_with(&["put", key], value.as_bytes());
    }

    /// Writes many keys, in few transactions. Neither key nor value may hold spaces.
    pub fn put_all(&self, keys: impl IntoIterator<Item = (String, String)>) {
        let lines: Vec<String> = keys.into_iter().map(|(key, value)| format!("put {key} {value}\n")).collect();
        for lines in lines.chunks(5000) {
            self.ctl_with(&["txn"], format!("\n{}\n\n", lines.concat()).as_bytes());
        }
    }

    /// Deletes one key.
    pub fn delete(&self, key: &str) {
        self.ctl(&["del", key]);
    }

    /// The revision it is at.
    ///
    /// # Panics
    ///
    /// When it does not say.
    pub fn revision(&self) -> i64 {
        let answer = self.ctl(&["get", "x", "-w", "json"]);
        let json: serde_json::Value = serde_json::from_str(&answer).unwrap_or_default();
        json["header"]["revision"].as_i64().unwrap_or_else(|| panic!("no revision in {answer}"))
    }

    /// Whether it leads its cluster.
    pub fn leads(&self) -> bool {
        let status = self.status();
        status["leader"].is_u64() && status["leader"] == status["header"]["member_id"]
    }

    /// Its id in its cluster, as `etcdctl` takes it.
    pub fn member(&self) -> String {
        format!("{:x}", self.status()["header"]["member_id"].as_u64().unwrap_or_default())
    }

    fn status(&self) -> serde_json::Value {
        let answer = self.ctl(&["endpoint", "status", "-w", "json"]);
        let mut status: serde_json::Value = serde_json::from_str(&answer).unwrap_or_default();
        status[0]["Status"].take()
    }

    /// Kills it as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Starts it again with what is on its disk.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn restart(&mut self) {
        self.kill();
        self.launch();
        self.wait();
    }

    /// Writes all there is to a file.
    pub fn snapshot(&self, file: &Path) {
        self.ctl(&["snapshot", "save", &file.display().to_string()]);
    }

    /// Kills it, puts back what is in the file, and starts it again.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub fn restore(&mut self, file: &Path) {
        self.kill();
        fs::remove_dir_all(self.data()).unwrap_or_else(|error| panic!("{}: {error}", self.data().display()));
        let peer = format!("http://127.0.0.1:{}", self.peer);
        let (data, members) = (self.data().display().to_string(), format!("{}={peer}", self.name));
        let file = file.display().to_string();
        self.ctl(&[
            "snapshot",
            "restore",
            &file,
            "--name",
            &self.name,
            "--data-dir",
            &data,
            "--initial-cluster",
            &members,
            "--initial-advertise-peer-urls",
            &peer,
        ]);
        self.restart();
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Waits until it answers.
    ///
    /// # Panics
    ///
    /// When it does not within 20 s.
    pub fn wait(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.try_ctl(&["endpoint", "health", "--command-timeout=1s"], b"").status.success() {
            assert!(Instant::now() < deadline, "etcd does not answer\n{}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn launch(&mut self) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join("log"));
        let log = log.unwrap_or_else(|error| panic!("the log of etcd: {error}"));
        let errors = log.try_clone().unwrap_or_else(|error| panic!("the log of etcd: {error}"));
        let client = format!("{}://127.0.0.1:{}", self.scheme, self.client);
        let peer = format!("http://127.0.0.1:{}", self.peer);
        let mut command = Command::new("etcd");
        command.arg("--data-dir").arg(self.data()).args(["--name", &self.name]);
        command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.args(["--log-level", "warn", "--unsafe-no-fsync", "--max-txn-ops=5000"]).args(&self.arguments);
        command.stdin(Stdio::null()).stdout(log).stderr(errors).process_group(0);
        self.process = Some(command.spawn().unwrap_or_else(|error| panic!("etcd: {error}")));
    }
}

impl Drop for EtcdServer {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            eprintln!("--- etcd `{}`\n{}---", self.name, self.log());
        }
    }
}
