//! What the resources say of their settings before they work with them.

use std::any::Any;

use super::Engine;
use crate::{
    Claim, process,
    resource::Checked,
    settings::{Problem, Problems, Tree},
};

impl Engine {
    /// Lets every resource look at its settings and at what was declared on it; tells all that is wrong, and who is in
    /// whose way. Gives back the settings of each.
    pub(crate) fn check(&self, tree: &Tree, problems: &mut Problems) -> Vec<Option<Box<dyn Any + Send + Sync>>> {
        let _entered = self.core.scope.enter();
        let mut claims: Vec<(&str, Claim)> = Vec::new();
        let mut all = Vec::with_capacity(self.nodes.len());
        for at in 0..self.nodes.len() {
            let name = self.core.resources[at].name;
            let checked = self.check_one(at, tree, problems);
            all.push(checked.settings);
            for claim in checked.claims {
                if let Some(before) = claims.iter().find(|(other, theirs)| *other != name && claim.excludes(theirs)) {
                    problems.push(contest(tree, before, (name, &claim)));
                }
                claims.push((name, claim));
            }
        }
        all
    }

    /// Lets one resource look at its settings.
    pub(super) fn check_one(&self, at: usize, tree: &Tree, problems: &mut Problems) -> Checked {
        let name = self.core.resources[at].name;
        match process::catch(|| self.nodes[at].resource.check_settings(name, tree, problems)) {
            Ok(checked) => checked,
            Err(panic) => {
                problems.add(&format!("resources.{name}"), format!("{:#}", crate::Error::from(panic)));
                Checked::default()
            }
        }
    }
}

/// Two resources claim the same: both keys, and where each was set.
fn contest(tree: &Tree, (other, theirs): &(&str, Claim), (name, claim): (&str, &Claim)) -> Problem {
    let key = format!("resources.{name}.{}", claim.key());
    let their_key = format!("resources.{other}.{}", theirs.key());
    let their_origin = match tree.section(&their_key).origin() {
        origin if origin.is_default() => "its default".to_owned(),
        origin => format!("at {origin}"),
    };
    let (mine, theirs) = (claim.address(), theirs.address());
    let what = format!("`{mine}` cannot be listened on beside `{theirs}` of `system.{their_key}` ({their_origin})");
    let problem = Problem::of_key(&key, what).help(format!("set another `{}` for one of the two", claim.key()));
    match tree.section(&key).origin() {
        origin if origin.is_default() => problem,
        origin => problem.origin(origin),
    }
}
