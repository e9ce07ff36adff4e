//! `check`: the settings against this program, without a start.

use super::{complain, tell};
use crate::{
    Microservice,
    assembly::{Setup, assemble, inspect},
    lifecycle::Clock,
    logging::Logs,
    settings::Source,
};

/// Puts the service together from these settings and says what is wrong; the exit code.
pub(super) fn check<S: Microservice>(sources: Vec<Box<dyn Source>>) -> u8 {
    // These first: what looks like a mistake may explain what is wrong.
    inspect::<S>(&sources).problems.warnings().for_each(|warning| complain(&format!("warning: {warning}")));
    let logs = Logs::captured_for(S::NAME);
    let setup = Setup::<S> { sources, with: Vec::new(), args: None, logs, clock: Clock::default(), is_isolated: false };
    match assemble(setup) {
        Ok(_) => {
            tell(&format!("the settings of `{}` are valid\n", S::NAME));
            0
        }
        Err(error) => {
            complain(&format!("{error:#}"));
            error.cause().exit_code()
        }
    }
}
