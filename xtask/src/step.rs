//! One command of a chore: quiet when it succeeds, everything it said when it fails.

use std::{
    ffi::OsStr,
    io::{self, Write},
    os::fd::AsFd,
    process::{Command, Stdio},
    time::Instant,
};

use crate::workspace;

/// A command with a name, run in the folder of the workspace.
pub(crate) struct Step {
    name: String,
    command: Command,
    /// Whether its output is for people (the runner's closing lines), not only for the case of a failure.
    is_shown: bool,
}

impl Step {
    /// A step that runs `program`.
    pub(crate) fn new(name: impl Into<String>, program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.current_dir(workspace::root()).stdin(Stdio::null());
        Step { name: name.into(), command, is_shown: false }
    }

    /// A step that runs cargo with the words of `arguments`.
    pub(crate) fn cargo(name: impl Into<String>, arguments: &str) -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Step::new(name, cargo).words(arguments)
    }

    /// Adds the words of `arguments`, split at blanks.
    pub(crate) fn words(mut self, arguments: &str) -> Self {
        self.command.args(arguments.split_whitespace());
        self
    }

    /// Adds one argument as it is.
    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Passes the output on while the command runs, all of it to standard output.
    pub(crate) fn shown(mut self) -> Self {
        self.is_shown = true;
        self
    }

    /// Runs the command and prints one line about it.
    ///
    /// # Errors
    ///
    /// Says which command failed; what it printed has been passed on by then.
    pub(crate) fn run(self) -> Result<(), String> {
        let name = self.name.clone();
        let began = Instant::now();
        let outcome = self.run_quietly();
        let seconds = began.elapsed().as_secs_f32();
        match outcome {
            Ok(_) => println!("ok      {name} ({seconds:.1} s)"),
            Err(_) => println!("FAILED  {name} ({seconds:.1} s)"),
        }
        outcome.map(drop)
    }

    /// Runs the command and returns what it wrote to standard output.
    ///
    /// # Errors
    ///
    /// Says which command failed; what it printed has been passed on by then.
    pub(crate) fn run_quietly(mut self) -> Result<String, String> {
        if self.is_shown {
            let stdout = io::stdout().as_fd().try_clone_to_owned().map_err(|e| format!("standard output: {e}"))?;
            self.command.stderr(stdout);
            let status = self.command.status().map_err(|e| self.problem(&e.to_string()))?;
            return if status.success() { Ok(String::new()) } else { Err(self.problem(&status.to_string())) };
        }
        let output = self.command.output().map_err(|e| self.problem(&e.to_string()))?;
        if !output.status.success() {
            // Standard output, so that the parts of a log stay in order.
            let mut stdout = io::stdout().lock();
            let _ = stdout.write_all(&output.stdout).and_then(|()| stdout.write_all(&output.stderr));
            return Err(self.problem(&output.status.to_string()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Whether the command can be run and succeeds; what it prints is dropped.
    pub(crate) fn succeeds(mut self) -> bool {
        self.command.output().is_ok_and(|output| output.status.success())
    }

    fn problem(&self, what: &str) -> String {
        let program = self.command.get_program().to_string_lossy();
        let program = program.rsplit('/').next().unwrap_or_default();
        let arguments: Vec<_> = self.command.get_args().map(OsStr::to_string_lossy).collect();
        format!("`{}` failed ({what}): {program} {}", self.name, arguments.join(" "))
    }
}
