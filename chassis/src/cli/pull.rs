//! `settings pull`: the tree in etcd as a settings file.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use super::{arguments::Pull, complain, refuse, tell};
use crate::{
    Microservice,
    assembly::declared_by,
    settings::{Documents, Problems, source::Store},
};

/// The exit code where the file cannot be written.
const CANNOT_WRITE: u8 = 70;

/// Prints the tree, or writes it to a file; the exit code. What cannot be read is told, and is not in it.
pub(super) fn pull<S: Microservice>(asked: &Pull) -> u8 {
    let store = match Store::open() {
        Ok(store) => store,
        Err(error) => return refuse(&error),
    };
    let mut problems = Problems::new();
    let layer = store.layer(&mut problems);
    let text = Documents::new(&declared_by::<S>(), S::NAME).to_yaml(layer.root(), asked.with_secrets);
    match &asked.output {
        None => tell(&text),
        Some(path) => {
            if let Err(error) = write(path, &text, asked.with_secrets) {
                complain(&format!("`{}` cannot be written: {error}", path.display()));
                return CANNOT_WRITE;
            }
        }
    }
    match problems.into_result() {
        Ok(()) => 0,
        Err(error) => refuse(&error),
    }
}

/// Writes the file as a whole, or leaves the one that is there.
fn write(path: &Path, text: &str, is_secret: bool) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let mode = if is_secret { 0o600 } else { 0o644 };
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&draft)?;
        if is_secret {
            file.set_permissions(fs::Permissions::from_mode(mode))?;
        }
        file.write_all(text.as_bytes())?;
        fs::rename(&draft, path)
    };
    let written = write();
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}
