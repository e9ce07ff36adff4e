//! `settings explain`: all there is to know of one key.

use super::{USAGE, arguments::Explain, complain, refuse, tell};
use crate::{
    Microservice,
    assembly::{Inspected, inspect},
    settings::{KeyPath, Source},
};

/// Explains the key; the exit code. What is wrong with it comes after it.
pub(super) fn explain<S: Microservice>(asked: &Explain, sources: &[Box<dyn Source>]) -> u8 {
    let path = match KeyPath::parse(&asked.key) {
        Ok(path) => path,
        Err(why) => {
            complain(&format!("`{}` is not the path of a setting: {why}", asked.key.escape_debug()));
            return USAGE;
        }
    };
    let Inspected { tree, declared, mut problems } = inspect::<S>(sources);
    let explanation = match tree.explain(&declared, &path) {
        Ok(explanation) => explanation,
        Err(meant) => {
            let meant: Vec<String> = meant.iter().map(|key| format!("`{key}`")).collect();
            let help = match meant.as_slice() {
                [] => format!("`{} settings` lists all keys", S::NAME),
                meant => format!("did you mean {}?", meant.join(" or ")),
            };
            complain(&format!("`{path}` is no setting of this service\n{help}"));
            return USAGE;
        }
    };
    if asked.json {
        tell(&format!("{:#}\n", explanation.to_json()));
    } else {
        tell(&explanation.to_string());
    }
    problems.keep_near(&explanation.path);
    problems.warnings().for_each(|warning| complain(&format!("warning: {warning}")));
    match problems.into_result() {
        Ok(()) => 0,
        Err(error) => refuse(&error),
    }
}
