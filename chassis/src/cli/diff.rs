//! `settings diff`: what is in effect other than in a file or in etcd.

use super::{Given, USAGE, arguments::Diff, complain, refuse, tell};
use crate::{
    Microservice,
    assembly::declared_by,
    settings::{
        Problems, Source, Tree,
        source::{File, etcd_of_environment},
    },
};

/// The exit code where both are not the same.
const DIFFERENT: u8 = 1;

/// Prints a line for each key that differs; the exit code.
pub(super) fn diff<S: Microservice>(asked: &Diff, given: &Given) -> u8 {
    let (other, sources): (Box<dyn Source>, _) = match &asked.file {
        Some(file) => (Box::new(File::new(file)), given.sources()),
        None => match etcd_of_environment() {
            Some(etcd) => (etcd, given.sources_with(None)),
            None => {
                complain("`CHASSIS_ETCD_ENDPOINTS` is not set: it says where etcd is");
                return USAGE;
            }
        },
    };
    let declared = declared_by::<S>();
    let mut problems = Problems::new();
    let before = Tree::merge_declared(&[other], S::NAME, &declared, &mut problems);
    let after = Tree::merge_declared(&sources, S::NAME, &declared, &mut problems);
    // What cannot be read cannot be compared: a key that is missing may stand there.
    if let Err(error) = problems.into_result() {
        return refuse(&error);
    }
    let compared = after.compared(&before, &declared);
    let lines: String = compared.iter().map(|compared| format!("{compared}\n")).collect();
    tell(&lines);
    if compared.is_empty() { 0 } else { DIFFERENT }
}
