//! Programs under test: started on a processor of their own, their processor time and memory read from `/proc`.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The processor that programs under test have; the load runs on the other.
const PROCESSOR: &str = "0";

/// A running program under test; killed when dropped.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Program {
    /// Starts a program of this package with `--listen ADDRESS`, and waits until it listens.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub(crate) fn start(name: &str) -> io::Result<Self> {
        let address = free_address()?;
        let mut command = pinned(&path(name)?);
        command.args(["--listen", &address.to_string()]);
        Program::spawn(command, address)
    }

    /// Starts a service of this package whose HTTP server is the field `http`, and waits until it listens.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub(crate) fn start_service(name: &str) -> io::Result<Self> {
        Program::start_service_with(name, &[])
    }

    /// Like [`start_service`](Self::start_service) with settings, as `key=value`.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub(crate) fn start_service_with(name: &str, settings: &[&str]) -> io::Result<Self> {
        let address = free_address()?;
        let mut command = pinned(&path(name)?);
        command.arg("run").arg(format!("--set=resources.http.port={}", address.port()));
        command.args(settings.iter().map(|setting| format!("--set={setting}")));
        Program::spawn(command, address)
    }

    /// Starts `command`, which will listen on `address`, and waits until something does.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub(crate) fn spawn(mut command: Command, address: SocketAddr) -> io::Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn()?;
        let mut program = Program { child, address };
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).is_err() {
            if let Some(status) = program.child.try_wait()? {
                return Err(io::Error::other(format!("{command:?} ended with {status}")));
            }
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("{command:?} does not listen on {address}")));
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(program)
    }

    /// Processor time used so far, by all its threads.
    ///
    /// # Errors
    ///
    /// When the program has ended.
    pub(crate) fn processor_time(&self) -> io::Result<Duration> {
        benches::processor_time(&self.child.id().to_string())
    }

    /// Memory that is resident, in bytes.
    ///
    /// # Errors
    ///
    /// When the program has ended.
    pub(crate) fn resident(&self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        let kilobytes: u64 = line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0);
        Ok(kilobytes * 1024)
    }

    /// Sends SIGTERM and returns the time until the program has ended, and how.
    ///
    /// # Errors
    ///
    /// When it does not end within 60 s.
    pub(crate) fn terminate(mut self) -> io::Result<(Duration, Option<i32>)> {
        let began = Instant::now();
        // The shell's own `kill`: there is no safe call for it, and it costs a millisecond that both sides pay.
        Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status()?;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok((began.elapsed(), status.code()));
            }
            if began.elapsed() > Duration::from_secs(60) {
                return Err(io::Error::other("the program is still running 60 s after SIGTERM"));
            }
            thread::sleep(Duration::from_micros(100));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command on the processor of the programs under test, where `taskset` is there to arrange it.
pub(crate) fn pinned(program: &std::path::Path) -> Command {
    if !is_pinning_possible() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", PROCESSOR]).arg(program);
    command
}

/// Puts this process on the other processors.
pub(crate) fn leave_processor() {
    let others = thread::available_parallelism().map_or(1, usize::from).saturating_sub(1);
    if others > 0 && is_pinning_possible() {
        let arguments = ["--all-tasks", "--cpu-list", "--pid", &format!("1-{others}"), &std::process::id().to_string()];
        let _ = Command::new("taskset").args(arguments).stdout(Stdio::null()).status();
    }
}

fn is_pinning_possible() -> bool {
    let exists = Command::new("taskset").arg("--version").stdout(Stdio::null()).status();
    exists.is_ok_and(|status| status.success())
}

/// Where a program of this package is: beside this one.
///
/// # Errors
///
/// When this program does not know where it is.
pub(crate) fn path(name: &str) -> io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}

/// Runs a program of this package to its end and returns the figures it prints, on a line of nothing else.
///
/// # Errors
///
/// When there is no such line.
pub(crate) fn figures<const N: usize>(name: &str, arguments: &[&str], env: &[(&str, &str)]) -> io::Result<[f64; N]> {
    let output = Command::new(path(name)?).args(arguments).envs(env.iter().copied()).stdin(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let parsed = text.lines().find_map(|line| {
        let figures: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
        figures.try_into().ok()
    });
    parsed.ok_or_else(|| {
        let errors = String::from_utf8_lossy(&output.stderr);
        io::Error::other(format!("`{name} {}` printed no figures: {text}{errors}", arguments.join(" ")))
    })
}

/// An address of 127.0.0.1 that was free a moment ago.
///
/// # Errors
///
/// When there is none.
pub(crate) fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}
