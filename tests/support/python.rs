//! Packages of PyPI, each set of them in a virtual environment of its own.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use super::tool::tool;

/// The Python that has these packages, which are installed unless they are; `None` with a note where that cannot be.
///
/// # Panics
///
/// When it cannot be although it was promised.
pub fn python_with(name: &str, packages: &[&str]) -> Option<PathBuf> {
    let python = tool("python3")?;
    let folder = target().join(name);
    let made = make(&python, &folder, &packages.join(" "));
    if let Err(problem) = &made {
        let is_promised = std::env::var_os("CHASSIS_TEST_TOOLS").is_some();
        assert!(!is_promised, "{name} cannot be installed: {problem}");
        eprintln!("left out: {name} cannot be installed: {problem}");
    }
    made.ok().map(|()| folder.join("bin/python"))
}

fn target() -> PathBuf {
    let set = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    set.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"))
}

/// Makes the environment unless it is there. Other processes that want it wait meanwhile.
fn make(python: &Path, folder: &Path, wanted: &str) -> Result<(), String> {
    let stamp = folder.join("installed");
    let is_there = || fs::read_to_string(&stamp).is_ok_and(|found| found == wanted);
    if is_there() {
        return Ok(());
    }
    let _ = fs::create_dir_all(target());
    let lock = File::create(target().join(format!("{}.lock", folder.file_name().unwrap_or_default().display())));
    let lock = lock.map_err(|error| error.to_string())?;
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
