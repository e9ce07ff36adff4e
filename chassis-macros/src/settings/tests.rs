//! The expansions, as a reviewer reads them: `tests/settings/*.rs` beside `*.expanded.rs`.
//!
//! `UPDATE_EXPECT=1 cargo test -p chassis-macros` writes what they are now.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{fs, path::Path};

#[test]
fn settings_expand_to_what_a_careful_person_would_have_typed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/settings");
    let is_update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut differing = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".expanded.rs") {
            continue;
        }
        let expansion = super::expand(&syn::parse_str(&fs::read_to_string(&path).unwrap()).unwrap());
        let found = prettyplease::unparse(&syn::parse2(expansion).unwrap());
        assert!(!found.contains("compile_error"), "{name} has mistakes:\n{found}");
        let expected = path.with_extension("expanded.rs");
        if is_update {
            fs::write(&expected, found).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != found {
            differing.push(format!("{}\n{found}", expected.display()));
        }
    }
    assert!(
        differing.is_empty(),
        "these expansions have changed; look at them, and accept them with UPDATE_EXPECT=1:\n{}",
        differing.join("\n")
    );
}
