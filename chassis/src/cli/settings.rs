//! `settings`: what is in effect and why, a schema of everything, a sample file, tables of all keys.

use std::fmt::Write;

use super::{arguments::Show, complain, refuse, tell};
use crate::{
    Microservice,
    assembly::{Inspected, declared_by, inspect},
    settings::{Effective, Source, reference, sample, schema},
};

/// Prints what is asked for; the exit code.
pub(super) fn settings<S: Microservice>(show: Show, sources: &[Box<dyn Source>]) -> u8 {
    match show {
        Show::Values => return values::<S>(sources),
        Show::Schema => tell(&format!("{:#}\n", schema(&declared_by::<S>(), S::NAME))),
        Show::Sample => tell(&sample(&declared_by::<S>(), S::NAME)),
        Show::Reference => tell(&format!("# Settings of `{}`\n{}", S::NAME, reference(&declared_by::<S>()))),
    }
    0
}

/// One line per setting that searches well: `system.deploy_name: "local" # default`. What is wrong comes after it.
fn values<S: Microservice>(sources: &[Box<dyn Source>]) -> u8 {
    let Inspected { tree, declared, problems } = inspect::<S>(sources);
    let mut text = String::new();
    for Effective { key, value, origin } in tree.effective(&declared) {
        // Writing into memory cannot fail.
        let _ = writeln!(text, "{key}: {value} # {origin}");
    }
    tell(&text);
    problems.warnings().for_each(|warning| complain(&format!("warning: {warning}")));
    match problems.into_result() {
        Ok(()) => 0,
        Err(error) => refuse(&error),
    }
}
