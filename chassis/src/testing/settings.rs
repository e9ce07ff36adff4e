//! What a service says of its settings, for tests that files which are kept beside the code say the same.

use std::{env, fs, path::Path};

use crate::{Microservice, assembly::declared_by, settings};

/// The variable that makes [`assert_sample`] write the file anew.
const REWRITE: &str = "CHASSIS_REWRITE";

/// What `settings sample` prints.
pub fn sample<S: Microservice>() -> String {
    settings::sample(&declared_by::<S>(), S::NAME)
}

/// What `settings schema` prints.
pub fn schema<S: Microservice>() -> serde_json::Value {
    settings::schema(&declared_by::<S>(), S::NAME)
}

/// Tables of all keys, in Markdown, as `settings reference` prints them below its title.
pub fn reference<S: Microservice>() -> String {
    settings::reference(&declared_by::<S>())
}

/// Fails when a sample that is kept beside the code is no longer what `settings sample` prints. `path` begins at the
/// folder of the package whose test this is; with `CHASSIS_REWRITE=1` in the environment the file is written anew.
///
/// ```no_run
/// # use chassis::prelude::*;
/// # #[microservice]
/// # struct Orders {}
/// #[test]
/// fn the_sample_is_up_to_date() {
///     chassis::testing::assert_sample::<Orders>("settings.sample.yml");
/// }
/// ```
///
/// # Panics
/// When the file is not there, differs, or cannot be written.
#[track_caller]
pub fn assert_sample<S: Microservice>(path: impl AsRef<Path>) {
    let path = path.as_ref();
    let now = sample::<S>();
    if env::var_os(REWRITE).is_some_and(|value| !value.is_empty() && value != "0") {
        let written = fs::write(path, now);
        return written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let advice = format!("`{REWRITE}=1 cargo test` writes it anew");
    let kept = match fs::read_to_string(path) {
        // A checkout of another system may end its lines otherwise.
        Ok(kept) => kept.replace("\r\n", "\n"),
        Err(error) => panic!("{}: {error}; {advice}", path.display()),
    };
    let (mut old, mut new) = (kept.lines(), now.lines());
    for line in 1.. {
        match (old.next(), new.next()) {
            (None, None) => return,
            (old, new) if old == new => {}
            (old, new) => panic!(
                "{}:{line} is not what `{} settings sample` prints; {advice}\n  kept: {}\n  now:  {}",
                path.display(),
                S::NAME,
                old.unwrap_or("(the end)"),
                new.unwrap_or("(the end)"),
            ),
        }
    }
}
