//! Programs of others that some tests call.

use std::{env, path::PathBuf};

/// Where the program `name` is, or `None` with a note that the test is left out.
///
/// # Panics
///
/// When it is missing although `cargo xtask test` has promised it.
pub fn tool(name: &str) -> Option<PathBuf> {
    let own = env::var_os(format!("CHASSIS_{}", name.to_uppercase())).map(PathBuf::from);
    let path = env::var_os("PATH").unwrap_or_default();
    let found = own.into_iter().chain(env::split_paths(&path).map(|folder| folder.join(name))).find(|p| p.is_file());
    if found.is_none() {
        let is_promised = env::var_os("CHASSIS_TEST_TOOLS").is_some();
        assert!(!is_promised, "`{name}` is not installed, although `cargo xtask setup` was to bring it");
        eprintln!("left out: `{name}` is not installed; `cargo xtask setup` brings it");
    }
    found
}
