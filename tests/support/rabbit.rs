//! Private RabbitMQ servers: started for a test, killed and started again as it asks, gone at its end.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use super::{program::free_port, tool::tool};

/// How long a server may take to answer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// Where Debian keeps the programs themselves; those on the path want to be another user.
const PROGRAMS: &str = "/usr/lib/rabbitmq/bin";

/// One RabbitMQ with a folder of its own, and the `epmd` that it asks for.
#[derive(Debug)]
pub struct RabbitServer {
    folder: TempDir,
    port: u16,
    distribution: u16,
    epmd_port: u16,
    epmd: Child,
    /// More lines of its configuration.
    lines: String,
    process: Option<Child>,
}

impl RabbitServer {
    /// A server that answers; `None` with a note where RabbitMQ is not installed.
    ///
    /// # Panics
    ///
    /// When it does not start, or is missing although it was promised.
    pub fn start() -> Option<Self> {
        Self::with("")
    }

    /// A server with further lines of configuration.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn with(lines: &str) -> Option<Self> {
        tool("epmd")?;
        tool("rabbitmq-server")?;
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder for RabbitMQ: {error}"));
        let epmd_port = free_port();
        let mut epmd = Command::new("epmd");
        epmd.args(["-port", &epmd_port.to_string(), "-address", "127.0.0.1"]);
        epmd.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let epmd = epmd.spawn().unwrap_or_else(|error| panic!("epmd: {error}"));
        let (port, distribution, lines) = (free_port(), free_port(), lines.to_owned());
        let mut server = Self { folder, port, distribution, epmd_port, epmd, lines, process: None };
        server.launch();
        server.wait();
        Some(server)
    }

    /// The port for clients.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder it keeps everything in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes a virtual host in which `guest` may do everything.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub fn add_vhost(&self, name: &str) {
        self.ctl(&["add_vhost", name]);
        self.ctl(&["set_permissions", "-p", name, "guest", ".*", ".*", ".*"]);
    }

    /// What `rabbitmqctl` answers.
    ///
    /// # Panics
    ///
    /// When it fails.
    pub fn ctl(&self, arguments: &[&str]) -> String {
        let output = self.try_ctl(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "rabbitmqctl {arguments:?}: {said}\n{}", self.log());
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn try_ctl(&self, arguments: &[&str]) -> Output {
        let mut command = self.command("rabbitmqctl");
        command.arg("--quiet").args(arguments);
        command.output().unwrap_or_else(|error| panic!("rabbitmqctl: {error}"))
    }

    /// How many messages wait in a queue of a virtual host; `None` when there is no such queue.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    pub fn waiting(&self, vhost: &str, queue: &str) -> Option<u64> {
        let queues = self.ctl(&["list_queues", "-p", vhost, "name", "messages"]);
        let mut rows = queues.lines().filter_map(|line| line.split_once('\t'));
        rows.find(|(name, _)| *name == queue).and_then(|(_, count)| count.trim().parse().ok())
    }

    /// Kills it as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            if let Some(group) = Pid::from_raw(i32::try_from(process.id()).unwrap_or_default()) {
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = process.wait();
        }
    }

    /// Starts it again with what is on its disk, and does not wait for it.
    pub fn launch(&mut self) {
        self.kill();
        let folder = self.folder.path();
        let port = self.port;
        let config = format!("listeners.tcp.1 = 127.0.0.1:{port}\nloopback_users = none\n{}\n", self.lines);
        let written = fs::write(folder.join("rabbitmq.conf"), config)
            .and_then(|()| fs::write(folder.join("enabled_plugins"), "[].\n"));
        written.unwrap_or_else(|error| panic!("the configuration of RabbitMQ: {error}"));
        let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("log.txt"));
        let log = log.unwrap_or_else(|error| panic!("the log of RabbitMQ: {error}"));
        let errors = log.try_clone().unwrap_or_else(|error| panic!("the log of RabbitMQ: {error}"));
        let mut command = self.command("rabbitmq-server");
        command.stdin(Stdio::null()).stdout(log).stderr(errors).process_group(0);
        self.process = Some(command.spawn().unwrap_or_else(|error| panic!("rabbitmq-server: {error}")));
    }

    /// Waits until it answers, and tells when it did.
    ///
    /// # Panics
    ///
    /// When it does not in time.
    pub fn wait(&self) -> Instant {
        let deadline = Instant::now() + PATIENCE;
        while !self.answers() {
            assert!(Instant::now() < deadline, "RabbitMQ does not answer\n{}", self.log());
            thread::sleep(Duration::from_millis(10));
        }
        Instant::now()
    }

    /// Whether it speaks AMQP: the port is open a little before.
    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        stream.write_all(b"AMQP\x00\x00\x09\x01").is_ok() && stream.read_exact(&mut [0]).is_ok()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log.txt")).unwrap_or_default()
    }

    fn command(&self, program: &str) -> Command {
        let folder = self.folder.path();
        let mut command = Command::new(Path::new(PROGRAMS).join(program));
        let (port, distribution, epmd) =
            (self.port.to_string(), self.distribution.to_string(), self.epmd_port.to_string());
        command
            .env("HOME", folder)
            .env("HOSTNAME", "localhost")
            .env("LANG", "C.UTF-8")
            .env("RABBITMQ_NODENAME", format!("chassis{port}@localhost"))
            .env("RABBITMQ_BASE", folder)
            .env("RABBITMQ_MNESIA_BASE", folder.join("mnesia"))
            .env("RABBITMQ_LOG_BASE", folder.join("log"))
            .env("RABBITMQ_LOGS", "-")
            .env("RABBITMQ_NODE_PORT", &port)
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_DIST_PORT", &distribution)
            .env("ERL_EPMD_PORT", &epmd)
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq.conf"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("enabled_plugins"))
            .env("RABBITMQ_PID_FILE", folder.join("pid"))
            .env("RABBITMQ_GENERATED_CONFIG_DIR", folder.join("config"))
            .env("RABBITMQ_CONF_ENV_FILE", "/dev/null");
        command
    }
}

impl Drop for RabbitServer {
    fn drop(&mut self) {
        self.kill();
        let _ = (self.epmd.kill(), self.epmd.wait());
        if thread::panicking() {
            let log = self.log();
            let last: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!("--- RabbitMQ, last lines first\n{}\n---", last.join("\n"));
        }
    }
}
