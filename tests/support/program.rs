//! Services as processes: started, read, signalled, and gone at the end of the test.

use std::{
    env,
    ffi::OsStr,
    fs,
    hash::{BuildHasher, RandomState},
    io::{BufRead, BufReader, ErrorKind, Read},
    net::TcpListener,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// How long a test waits for what a healthy program does at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// A program to start: an example of this repository, or any executable file.
///
/// It begins with an empty environment, besides `PATH` and `RUST_BACKTRACE`.
#[derive(Debug)]
pub struct Program {
    command: Command,
}

impl Program {
    /// The example of that name, built when it has not been.
    ///
    /// # Panics
    ///
    /// When there is no such example, or it does not compile.
    pub fn example(name: &str) -> Self {
        Program::at(&built_example(name))
    }

    /// The executable file at `path`.
    pub fn at(path: &Path) -> Self {
        let mut command = Command::new(path);
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for name in ["PATH", "RUST_BACKTRACE"] {
            command.envs(env::var_os(name).map(|value| (name, value)));
        }
        // A group of its own, so that what the program starts ends with it.
        command.process_group(0);
        Program { command }
    }

    /// Adds an argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Adds `--set key=value`.
    pub fn set(self, key: &str, value: impl std::fmt::Display) -> Self {
        self.arg("--set").arg(format!("{key}={value}"))
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs in that folder.
    pub fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Starts the program.
    ///
    /// # Panics
    ///
    /// When it cannot be executed.
    pub fn start(mut self) -> Running {
        let began = Instant::now();
        let mut child = match self.command.spawn() {
            Ok(child) => child,
            Err(error) => panic!("{:?}: {error}", self.command),
        };
        let stdout = Output::follow(child.stdout.take());
        let stderr = Output::follow(child.stderr.take());
        Running { child, began, stdout, stderr }
    }

    /// Starts the program and waits for its end.
    ///
    /// # Panics
    ///
    /// When it cannot be executed, or has not ended after 20 s.
    pub fn run(self) -> Exit {
        self.start().wait()
    }
}

/// A port of 127.0.0.1 that was free a moment ago. Port 0 in the settings is better where the log tells the real one.
///
/// # Panics
///
/// When there is none.
pub fn free_port() -> u16 {
    // None of those that the system gives to connections: nobody takes it from a server that is down for a moment.
    loop {
        let random = RandomState::new().hash_one(Instant::now());
        let port = 12_000 + u16::try_from(random % 20_000).unwrap_or_default();
        match TcpListener::bind(("127.0.0.1", port)) {
            Ok(_) => return port,
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => panic!("no free port: {error}"),
        }
    }
}

/// A program at work. Dropping it kills its process group.
#[derive(Debug)]
pub struct Running {
    child: Child,
    began: Instant,
    stdout: Output,
    stderr: Output,
}

impl Running {
    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line of standard output or standard error that contains `text`, and returns it.
    ///
    /// # Panics
    ///
    /// When there is none within 20 s, or the program ends before.
    pub fn line(&self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // Asked first: what was written before the end is then seen by the search.
            let has_ended = self.stdout.has_ended() && self.stderr.has_ended();
            let found = [&self.stdout, &self.stderr].iter().find_map(|output| output.find(text));
            if let Some(line) = found {
                return line;
            }
            assert!(!has_ended, "the program ended before it wrote `{text}`\n{}", self.transcript());
            assert!(Instant::now() < deadline, "no line contains `{text}`\n{}", self.transcript());
            self.stdout.wait_for_more(Duration::from_millis(5));
        }
    }

    /// Waits until something listens on the port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// When nothing does within 20 s, or the program ends before.
    pub fn port(&mut self, port: u16) {
        let deadline = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            let has_ended = matches!(self.child.try_wait(), Ok(Some(_)));
            assert!(!has_ended, "the program ended before it listened on port {port}\n{}", self.transcript());
            assert!(Instant::now() < deadline, "nothing listens on port {port}\n{}", self.transcript());
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends SIGINT.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Sends SIGSTOP.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Sends SIGCONT.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Sends SIGKILL to the program and everything it started.
    pub fn kill(&self) {
        if let Some(group) = self.pid() {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    /// Waits for the end of the program.
    ///
    /// # Panics
    ///
    /// When it has not ended after 20 s.
    pub fn wait(self) -> Exit {
        self.wait_for(PATIENCE)
    }

    /// Waits for the end of the program, at most for `patience`.
    ///
    /// # Panics
    ///
    /// When it has not ended by then.
    pub fn wait_for(mut self, patience: Duration) -> Exit {
        let asked = Instant::now();
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) => {}
                Err(error) => panic!("waiting for the program: {error}"),
            }
            assert!(
                asked.elapsed() < patience,
                "the program is still running after {patience:?}\n{}",
                self.transcript()
            );
            thread::sleep(Duration::from_millis(1));
        };
        let (took, lived) = (asked.elapsed(), self.began.elapsed());
        // A grandchild could hold the pipes open for ever.
        self.kill();
        let (stdout, stderr) = (self.stdout.all(), self.stderr.all());
        Exit { code: status.code(), signal: status.signal(), took, lived, stdout, stderr }
    }

    /// What has been written to standard output so far.
    pub fn stdout(&self) -> String {
        self.stdout.so_far()
    }

    /// What has been written to standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.so_far()
    }

    fn signal(&self, signal: Signal) {
        let sent = self.pid().map(|pid| kill_process(pid, signal));
        assert!(matches!(sent, Some(Ok(()))), "{signal:?} could not be sent\n{}", self.transcript());
    }

    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }

    fn transcript(&self) -> String {
        format!("--- standard output\n{}--- standard error\n{}---", self.stdout.so_far(), self.stderr.so_far())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Once waited for, the id may belong to somebody else.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill();
            let _ = self.child.wait();
        }
        if thread::panicking() {
            eprintln!("{}", self.transcript());
        }
    }
}

/// How a program ended.
#[derive(Debug, Clone)]
pub struct Exit {
    /// The exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// From the call of `wait` to the end.
    pub took: Duration,
    /// From the start to the end.
    pub lived: Duration,
    /// All of standard output.
    pub stdout: String,
    /// All of standard error.
    pub stderr: String,
}

/// What a program writes to one of its pipes; read by a thread, so that the program never waits for the test.
#[derive(Debug, Clone)]
struct Output {
    shared: Arc<(Mutex<Written>, Condvar)>,
}

#[derive(Debug, Default)]
struct Written {
    text: String,
    is_complete: bool,
}

impl Output {
    fn follow(pipe: Option<impl Read + Send + 'static>) -> Self {
        let output = Output { shared: Arc::default() };
        let Some(pipe) = pipe else { return output };
        let writer = output.clone();
        thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while pipe.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                writer.written().text.push_str(&String::from_utf8_lossy(&line));
                writer.shared.1.notify_all();
                line.clear();
            }
            writer.written().is_complete = true;
            writer.shared.1.notify_all();
        });
        output
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, text: &str) -> Option<String> {
        self.written().text.lines().find(|line| line.contains(text)).map(str::to_owned)
    }

    fn so_far(&self) -> String {
        self.written().text.clone()
    }

    fn has_ended(&self) -> bool {
        self.written().is_complete
    }

    fn wait_for_more(&self, patience: Duration) {
        drop(self.shared.1.wait_timeout(self.written(), patience).unwrap_or_else(PoisonError::into_inner));
    }

    /// Everything, once the pipe is closed.
    fn all(&self) -> String {
        let written = self.shared.1.wait_timeout_while(self.written(), PATIENCE, |written| !written.is_complete);
        written.unwrap_or_else(PoisonError::into_inner).0.text.clone()
    }
}

/// Cargo puts examples beside the folder that this test binary is in.
fn built_example(name: &str) -> PathBuf {
    let Ok(this) = env::current_exe() else { panic!("this program does not know where it is") };
    let profile = this.ancestors().find(|folder| folder.ends_with("deps")).and_then(Path::parent);
    let Some(profile) = profile else { panic!("{} is not in a target folder", this.display()) };
    let program = profile.join("examples").join(name);
    // `cargo xtask test` has built all of them; anybody else gets what the sources say now.
    if env::var_os("CHASSIS_TEST_EXAMPLES").is_none() || !program.is_file() {
        build_example(name);
    }
    assert!(fs::exists(&program).is_ok_and(|exists| exists), "there is no example `{name}` in {}", profile.display());
    program
}

fn build_example(name: &str) {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let output = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "examples", "--example", name, "--manifest-path", manifest])
        .output();
    match output {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!("example `{name}`:\n{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => panic!("cargo: {error}"),
    }
}
