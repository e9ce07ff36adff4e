//! Services of the PyPI package `service-framework`, run for real.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    program::{Program, Running},
    tool::tool,
};

/// The package in one version, with what it needs, in a virtual environment.
#[derive(Debug, Clone)]
pub struct ServiceFramework {
    python: PathBuf,
}

/// What the package needs beside it; pinned, so that a new release is an intended change.
const BESIDE: [&str; 3] = ["pyzmq==27.3.0", "msgpack==1.2.4", "numpy==2.4.6"];

impl ServiceFramework {
    /// The version that replies, requests and publishes; `None` with a note where there is no Python.
    pub fn new() -> Option<Self> {
        Self::version("0.0.20")
    }

    /// The last version whose subscriber starts.
    pub fn with_subscriber() -> Option<Self> {
        Self::version("0.0.19")
    }

    fn version(version: &str) -> Option<Self> {
        let python = tool("python3")?;
        let folder = target().join(format!("service-framework-{version}"));
        let made = make(&python, &folder, version);
        if let Err(problem) = &made {
            let is_promised = std::env::var_os("CHASSIS_TEST_TOOLS").is_some();
            assert!(!is_promised, "service-framework {version} cannot be installed: {problem}");
            eprintln!("left out: service-framework {version} cannot be installed: {problem}");
        }
        made.ok().map(|()| Self { python: folder.join("bin/python") })
    }

    /// Starts a service of `tests/peers/service_framework`, with the addresses as the package has them.
    pub fn service(&self, name: &str, addresses: &serde_json::Value) -> Program {
        let addresses = addresses_file(addresses);
        let program = Program::at(&self.python).arg("-u").arg("-m").arg("service_framework");
        let program = program.arg("-s").arg(format!("./{name}.py")).arg("-a").arg(addresses);
        program.folder(folder()).env("PYTHONDONTWRITEBYTECODE", "1")
    }

    /// Starts such a service, which runs its `main` and ends.
    pub fn main(&self, name: &str, addresses: &serde_json::Value) -> Program {
        self.service(name, addresses).arg("-m")
    }

    /// Starts a script of that folder, which speaks to sockets itself.
    pub fn script(&self, name: &str, arguments: &[&str]) -> Running {
        let mut program = Program::at(&self.python).arg("-u").arg(format!("{name}.py"));
        for argument in arguments {
            program = program.arg(argument);
        }
        program.folder(folder()).env("PYTHONDONTWRITEBYTECODE", "1").start()
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/service_framework")
}

fn target() -> PathBuf {
    let set = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    set.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"))
}

/// Makes the environment unless it is there. Other processes that want it wait meanwhile.
fn make(python: &Path, folder: &Path, version: &str) -> Result<(), String> {
    let wanted = format!("service-framework=={version} {}", BESIDE.join(" "));
    let stamp = folder.join("installed");
    let is_there = || fs::read_to_string(&stamp).is_ok_and(|found| found == wanted);
    if is_there() {
        return Ok(());
    }
    let _ = fs::create_dir_all(target());
    let lock = File::create(folder.with_extension("lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    if is_there() {
        return Ok(());
    }
    run(Command::new(python).args(["-m", "venv", "--clear"]).arg(folder))?;
    let mut install = Command::new(folder.join("bin/python"));
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    run(install.args(wanted.split(' ')))?;
    fs::write(&stamp, wanted).map_err(|error| error.to_string())
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{command:?}: {said}")) }
}

fn addresses_file(addresses: &serde_json::Value) -> PathBuf {
    let (_, path) = tempfile::Builder::new()
        .prefix("addresses")
        .suffix(".json")
        .tempfile()
        .and_then(|file| file.keep().map_err(|error| error.error))
        .unwrap_or_else(|error| panic!("no temporary file: {error}"));
    fs::write(&path, addresses.to_string()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    path
}
