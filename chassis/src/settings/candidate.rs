//! A changed tree of settings: read by everybody, then in force for everybody at once, or dropped.

use std::sync::{Arc, MutexGuard, PoisonError};

use super::{
    declared::Declared,
    difference::Difference,
    problem::Problems,
    setting::Prepared,
    source::{Layer, Source},
    tree::{Tree, layer},
    view::{RunTime, Settings},
};
use crate::Result;

/// A changed tree that is not in force.
pub(crate) struct Candidate {
    /// What is in force meanwhile.
    base: Arc<Tree>,
    tree: Tree,
    prepared: Prepared,
}

impl Candidate {
    /// To be read without any setting following it.
    pub(crate) fn tree(&self) -> Tree {
        self.tree.detached()
    }
}

impl Settings {
    /// What a source says now.
    pub(crate) fn load(&self, source: &dyn Source, problems: &mut Problems) -> Layer {
        layer(source, self.store.tree.load().service(), &self.store.declared, problems)
    }

    /// The settings as they are when these sources, by their numbers, say this; what is wrong with them is told, but for
    /// what is declared and somebody else `reads`: by its number.
    pub(crate) fn candidate(
        &self,
        loaded: Vec<(usize, Layer)>,
        reads: impl Fn(usize) -> bool,
        problems: &mut Problems,
    ) -> Candidate {
        let own = self.own();
        let base = self.store.tree.load_full();
        let tree = base.reloaded(loaded).with(&own.layer, &own.deleted);
        drop(own);
        let (declared, detached) = (&self.store.declared, tree.detached());
        let others = declared.iter().enumerate().filter(|(number, _)| !reads(*number));
        others.for_each(|(_, declared)| declared.check(&detached, problems));
        detached.find_unknown(declared, self.store.is_free, problems);
        let prepared = base.cells.prepare(&base.root, &tree.root, problems);
        Candidate { base, tree, prepared }
    }

    /// Lets a candidate that everybody agreed to take effect; `false` if the settings have changed since it was made.
    pub(crate) fn adopt(&self, candidate: Candidate) -> bool {
        let mut own = self.own();
        let is_current = Arc::ptr_eq(&candidate.base, &self.store.tree.load());
        if is_current {
            own.agreed = None;
            self.enforce(candidate);
        }
        drop(own);
        is_current
    }

    /// Whether something was set or deleted at run time that not everybody has agreed to.
    pub(crate) fn has_news(&self) -> bool {
        self.own().agreed.is_some()
    }

    /// Takes back what was set and deleted at run time since everybody agreed; `false` if the settings have changed since
    /// the candidate was made that somebody refuses.
    pub(crate) fn take_back(&self, refused: &Candidate) -> bool {
        let mut own = self.own();
        let base = self.store.tree.load_full();
        let is_current = Arc::ptr_eq(&refused.base, &base);
        if is_current && let Some(agreed) = own.agreed.take() {
            *own = RunTime::clone(&agreed);
            let tree = base.reloaded(Vec::new()).with(&own.layer, &own.deleted);
            let prepared = base.cells.prepare(&base.root, &tree.root, &mut Problems::new());
            self.enforce(Candidate { base, tree, prepared });
        }
        drop(own);
        is_current
    }

    /// What is declared and has another value now than in `before`.
    pub(crate) fn differences(&self, tree: &Tree, before: &Tree) -> Vec<Difference> {
        tree.differences(before, &self.store.declared)
    }

    pub(crate) fn declared(&self) -> &[Declared] {
        &self.store.declared
    }

    /// Changes what is set at run time, if what is declared can be read then.
    pub(super) fn change(&self, change: impl FnOnce(&mut RunTime, &mut Problems)) -> Result<()> {
        let mut own = self.own();
        let mut changed = own.clone();
        changed.agreed.get_or_insert_with(|| Arc::new(own.clone()));
        let mut problems = Problems::new();
        change(&mut changed, &mut problems);
        let base = self.store.tree.load_full();
        let tree = base.with(&changed.layer, &changed.deleted);
        tree.detached().check(&self.store.declared, self.store.is_free, &mut problems);
        let prepared = base.cells.prepare(&base.root, &tree.root, &mut problems);
        problems.into_result()?;
        *own = changed;
        self.enforce(Candidate { base, tree, prepared });
        drop(own);
        self.store.changed.notify(None);
        Ok(())
    }

    fn enforce(&self, candidate: Candidate) {
        let Candidate { tree, prepared, base: _ } = candidate;
        let (cells, root) = (Arc::clone(&tree.cells), Arc::clone(&tree.root));
        self.store.tree.store(Arc::new(tree));
        cells.apply(prepared, &root);
    }

    fn own(&self) -> MutexGuard<'_, RunTime> {
        self.store.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
