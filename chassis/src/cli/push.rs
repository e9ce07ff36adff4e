//! `settings push`: a file becomes the tree in etcd, if the service could start with it.

use super::{Given, arguments::Push, complain, refuse, tell};
use crate::{
    Microservice, Result,
    assembly::{Inspected, declared_by, inspect},
    settings::{
        Documents, Problems, Tree,
        source::{File, MOST_OPERATIONS, Plan, Store},
    },
};

/// Checks the file, writes it, and says what was written; the exit code.
pub(super) fn push<S: Microservice>(asked: &Push, given: &Given) -> u8 {
    match try_push::<S>(asked, given) {
        Ok(()) => 0,
        Err(error) => refuse(&error),
    }
}

fn try_push<S: Microservice>(asked: &Push, given: &Given) -> Result<()> {
    let declared = declared_by::<S>();
    let mut problems = Problems::new();
    let file = Tree::merge_alone(&File::new(&asked.file), S::NAME, &declared, &mut problems);
    // What it does not have may stand in etcd already, or elsewhere.
    file.check(&declared, S::FREE_SETTINGS, &mut problems);
    let documents = Documents::new(&declared, S::NAME).of(file.said(), &mut problems);
    problems.into_result()?;

    let mut store = Store::open()?;
    let mut problems = Problems::new();
    let (plan, planned) = store.plan(&documents, asked.prune, &mut problems);
    problems.into_result()?;
    let Inspected { problems, .. } = inspect::<S>(&given.sources_with(Some(planned)));
    problems.warnings().for_each(|warning| complain(&format!("warning: {warning}")));
    problems.into_result()?;

    let transactions = plan.transactions();
    if !asked.dry_run {
        for (number, writes) in transactions.iter().enumerate() {
            store.write(writes).map_err(|error| match number {
                0 => error.context("nothing was written"),
                _ => error.context(format!(
                    "{number} of {} transactions were written, and nothing after them; push again",
                    transactions.len()
                )),
            })?;
        }
    }
    tell(&report(&plan, transactions.len(), asked.dry_run));
    Ok(())
}

/// What was written, without any value: it may be a secret.
fn report(plan: &Plan, transactions: usize, is_dry: bool) -> String {
    let mut text: String = plan.writes.iter().map(|write| format!("{} {}\n", write.sign(), write.name())).collect();
    let count = |sign: char| plan.writes.iter().filter(|write| write.sign() == sign).count();
    let (new, changed, deleted) = (count('+'), count('~'), count('-'));
    let verb = if is_dry { "would be " } else { "" };
    text += &format!(
        "{verb}new: {new}, changed: {changed}, deleted: {deleted}; the same as in the file: {}; not in the file, left alone: {}\n",
        plan.same, plan.others
    );
    if let Some(check_key) = &plan.check_key {
        text += &format!("the check key {} {verb}written last\n", check_key.name());
    }
    if transactions > 1 {
        text += &format!(
            "in {transactions} transactions: etcd takes {MOST_OPERATIONS} operations in one, so that others may see a part for a moment\n"
        );
    }
    text
}
