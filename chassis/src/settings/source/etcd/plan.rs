//! What is to be written so that a tree in etcd says what a file says. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::Keys;
use crate::settings::{
    documents::Document,
    origin::Origin,
    path::KeyPath,
    problem::{Problem, Problems},
};

/// How many operations etcd takes in one transaction, unless it is told otherwise.
pub(crate) const MOST_OPERATIONS: usize = 128;

/// How many bytes a transaction may have; etcd takes 1.5 MiB in one request.
const MOST_BYTES: usize = 1 << 20;

/// What is to be written, in its order.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) writes: Vec<Write>,
    /// Written after everything else.
    pub(crate) check_key: Option<Write>,
    /// How many keys are as the file says.
    pub(crate) same: usize,
    /// How many keys are not in the file, and stay.
    pub(crate) others: usize,
}

/// A key that is written or deleted.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub(super) key: Vec<u8>,
    /// `None` deletes it.
    pub(super) document: Option<String>,
    /// The revision it has to be at, 0 where it must not exist; `None` where that does not matter.
    pub(super) revision: Option<i64>,
    origin: Origin,
}

impl Write {
    /// The key for people.
    pub(crate) fn name(&self) -> String {
        String::from_utf8_lossy(&self.key).escape_debug().to_string()
    }

    /// `+` for a new key, `~` for a changed one, `-` for one that is deleted.
    pub(crate) fn sign(&self) -> char {
        match (&self.document, self.revision) {
            (None, _) => '-',
            (Some(_), Some(0)) => '+',
            (Some(_), _) => '~',
        }
    }

    fn bytes(&self) -> usize {
        self.key.len() + self.document.as_ref().map_or(0, String::len)
    }
}

impl Plan {
    /// What makes of `keys` what the documents say; keys that are not among them stay unless they are to be pruned.
    pub(super) fn of(
        keys: &Keys,
        prefix: &str,
        documents: &BTreeMap<KeyPath, Document>,
        check_key: Option<&str>,
        is_pruned: bool,
        problems: &mut Problems,
    ) -> Self {
        let mut plan = Self::default();
        let wanted: BTreeMap<Vec<u8>, (&KeyPath, &Document)> = documents
            .iter()
            .map(|(path, document)| {
                let name = path.steps().fold(prefix.to_owned(), |name, step| name + "/" + step);
                (name.into_bytes(), (path, document))
            })
            .collect();
        let is_check_key = |key: &[u8]| check_key.is_some_and(|check_key| check_key.as_bytes() == key);
        for (key, revision) in keys.revisions().filter(|(key, _)| !wanted.contains_key(*key)) {
            if is_pruned && !is_check_key(key) {
                let origin = Origin::etcd(String::from_utf8_lossy(key), revision);
                plan.writes.push(Write { key: key.to_vec(), document: None, revision: Some(revision), origin });
            } else {
                plan.others += 1;
            }
        }
        let deleted: BTreeSet<&[u8]> = plan.writes.iter().map(|write| write.key.as_slice()).collect();
        let mut puts = Vec::new();
        for (key, (path, document)) in &wanted {
            for (other, revision) in keys.above_and_below(key).filter(|(other, _)| !deleted.contains(other)) {
                let other = Origin::etcd(String::from_utf8_lossy(other), revision);
                let what = format!("cannot be kept beside {other}: one key has a value, and the other is below it");
                let problem = Problem::at((*path).clone(), what).origin(document.node.origin.clone());
                problems.push(problem.help("delete that key, or use `--prune` if the file has all of the tree"));
            }
            if is_check_key(key) {
                continue;
            }
            if keys.says(key, &document.text) {
                plan.same += 1;
                continue;
            }
            let (revision, origin) = (Some(keys.revision(key).unwrap_or(0)), document.node.origin.clone());
            puts.push(Write { key: key.clone(), document: Some(document.text.clone()), revision, origin });
        }
        plan.writes.extend(puts);
        let check_key = check_key.filter(|key| !plan.writes.is_empty() || keys.revision(key.as_bytes()).is_none());
        plan.check_key = check_key.map(|key| {
            let own = wanted.get(key.as_bytes()).map(|(_, document)| *document);
            Write {
                key: key.as_bytes().to_vec(),
                document: Some(own.map_or_else(|| "true".to_owned(), |document| document.text.clone())),
                revision: None,
                origin: own.map_or_else(|| Origin::named("the check key"), |document| document.node.origin.clone()),
            }
        });
        plan
    }

    /// The tree as it will be, each value with the place it is written at.
    pub(super) fn applied(&self, keys: &Keys) -> Keys {
        let mut keys = keys.clone();
        for write in &self.writes {
            match &write.document {
                Some(document) => keys.put_from(write.key.clone(), document.as_bytes(), &write.origin),
                None => keys.delete(&write.key),
            }
        }
        keys
    }

    /// The same in transactions that etcd takes. The check key is in the last one; where there are several, alone.
    pub(crate) fn transactions(&self) -> Vec<Vec<&Write>> {
        let mut transactions: Vec<Vec<&Write>> = Vec::new();
        let mut bytes = 0;
        for write in &self.writes {
            bytes += write.bytes();
            match transactions.last_mut() {
                Some(last) if last.len() < MOST_OPERATIONS && bytes <= MOST_BYTES => last.push(write),
                _ => {
                    bytes = write.bytes();
                    transactions.push(vec![write]);
                }
            }
        }
        if let Some(check_key) = &self.check_key {
            match transactions.as_mut_slice() {
                [only] if only.len() < MOST_OPERATIONS => only.push(check_key),
                _ => transactions.push(vec![check_key]),
            }
        }
        transactions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::node::Node;

    fn document(text: &str) -> Document {
        let json = serde_json::from_str(text).unwrap();
        Document { text: text.to_owned(), node: Node::from_json(json, &Origin::file("a.yml", 1, 1)) }
    }

    fn plan(there: &[(&str, &str)], wanted: &[(&str, &str)], is_pruned: bool) -> (Plan, Problems) {
        let mut keys = Keys::default();
        for (revision, (key, value)) in (1..).zip(there) {
            keys.put(key.as_bytes().to_vec(), value.as_bytes(), revision);
        }
        let wanted = wanted.iter().map(|(path, text)| (KeyPath::lenient(path), document(text))).collect();
        let mut problems = Problems::new();
        let plan = Plan::of(&keys, "/system", &wanted, Some("/system/ready"), is_pruned, &mut problems);
        (plan, problems)
    }

    fn told(plan: &Plan) -> Vec<String> {
        let writes = plan.writes.iter().chain(&plan.check_key);
        writes.map(|write| format!("{} {}", write.sign(), write.name())).collect()
    }

    #[test]
    fn what_differs_is_written_and_the_check_key_comes_last() {
        let there = [("/system/a", "1"), ("/system/b", " 2"), ("/system/c", "3"), ("/system/ready", "1")];
        let wanted = [("a", "10"), ("b", "2"), ("d", "4")];
        let (plan, _) = self::plan(&there, &wanted, false);
        assert_eq!(told(&plan), ["~ /system/a", "+ /system/d", "~ /system/ready"]);
        assert_eq!((plan.same, plan.others), (1, 2));
        let (plan, _) = self::plan(&there, &wanted, true);
        assert_eq!(told(&plan), ["- /system/c", "~ /system/a", "+ /system/d", "~ /system/ready"]);
        let (plan, _) = self::plan(&there, &[("a", "1")], false);
        assert_eq!(told(&plan), [""; 0]);
    }

    #[test]
    fn a_value_and_keys_below_it_are_told_before_they_are_written() {
        let (_, problems) = plan(&[("/system/a", "{}"), ("/system/b/c", "1")], &[("a.b", "1"), ("b", "1")], false);
        assert_eq!(problems.len(), 2, "{problems}");
        let (_, problems) = plan(&[("/system/a", "{}"), ("/system/b/c", "1")], &[("a.b", "1"), ("b", "1")], true);
        assert_eq!(problems.len(), 0, "{problems}");
    }

    #[test]
    fn transactions_are_not_larger_than_etcd_takes() {
        let many: Vec<(String, String)> = (0..300).map(|n| (format!("k{n}"), n.to_string())).collect();
        let sizes = |wanted: &[(&str, &str)]| -> Vec<usize> {
            plan(&[], wanted, false).0.transactions().iter().map(Vec::len).collect()
        };
        let wanted: Vec<(&str, &str)> = many.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(sizes(&wanted), [128, 128, 44, 1]);
        assert_eq!(sizes(&wanted[..127]), [128]);
        assert_eq!(sizes(&wanted[..128]), [128, 1]);
        let long = format!("\"{}\"", "x".repeat(700_000));
        assert_eq!(sizes(&[("a", &long), ("b", &long), ("c", "1")]), [1, 2, 1]);
    }
}
