//! The features of `chassis`, read from its manifest.

use std::fs;

use crate::workspace;

/// Every feature a user may turn on; private ones begin with `_`.
///
/// # Errors
///
/// When the manifest cannot be read or has no features.
pub(crate) fn public() -> Result<Vec<String>, String> {
    let manifest = workspace::root().join("chassis/Cargo.toml");
    let text = fs::read_to_string(&manifest).map_err(|e| format!("{}: {e}", manifest.display()))?;
    let features = names(&text);
    if features.is_empty() {
        return Err(format!("{}: no `[features]`", manifest.display()));
    }
    Ok(features)
}

/// Reads `name = [` lines of the section, which is all that cargo's own formatting leaves possible here.
fn names(manifest: &str) -> Vec<String> {
    manifest
        .lines()
        .skip_while(|line| line.trim() != "[features]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim().to_owned())
        .filter(|name| !name.starts_with(['#', '_', ' ', '"']))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn features_are_read_without_private_ones_and_comments() {
        let manifest = "[package]\nname = \"x\"\n[features]\ndefault = [\"a\"]\n# b = [\na = [\n  \"_p\",\n]\n_p = []\n\n[dependencies]\nc = \"1\"\n";
        assert_eq!(names(manifest), ["default", "a"]);
    }
}
