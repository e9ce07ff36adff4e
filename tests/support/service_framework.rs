//! Services of the PyPI package `service-framework`, run for real.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    program::{Program, Running},
    python::python_with,
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
        let package = format!("service-framework=={version}");
        let packages = [&[&*package], &BESIDE[..]].concat();
        python_with(&format!("service-framework-{version}"), &packages).map(|python| Self { python })
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
