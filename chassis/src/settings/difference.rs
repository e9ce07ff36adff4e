//! What is another in one tree of settings than in the one before. Pure.

use super::{
    declared::Declared,
    map::Map,
    node::{Node, Value, is_shared},
    origin::Origin,
    path::{KeyPath, Step, Trail},
    shape::{Change, Field, Kind},
    tree::Tree,
};

/// A declared key whose value is another.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Difference {
    pub(crate) key: KeyPath,
    /// Which of what is declared it belongs to, by its number.
    pub(crate) declared: usize,
    pub(crate) change: Change,
    /// Whether its field is a `Setting`, which follows by itself.
    pub(crate) is_followed: bool,
    /// Where the value now in force was written; the default's where it was taken away.
    pub(crate) origin: Origin,
}

impl Difference {
    /// Whether its key is in the section at `path`.
    pub(crate) fn is_below(&self, path: &str) -> bool {
        self.key.starts_with(&KeyPath::lenient(path))
    }

    /// The name of its key in the section at `path`.
    pub(crate) fn name_below(&self, path: &str) -> Option<String> {
        let section = KeyPath::parse(path).ok()?;
        let name = self.key.steps().nth(section.steps().len())?;
        self.key.starts_with(&section).then(|| name.to_owned())
    }
}

impl Tree {
    /// Every declared key that has another value here than in `before`.
    pub(crate) fn differences(&self, before: &Tree, declared: &[Declared]) -> Vec<Difference> {
        let mut found = Vec::new();
        for (number, Declared { path, field, .. }) in declared.iter().enumerate() {
            let (old, new) = (before.node_of(path, field), self.node_of(path, field));
            let mut walk = Walk { declared: number, found: &mut found };
            walk.field(&Trail::base(path), field, None, old, new);
        }
        found
    }

    fn node_of(&self, path: &KeyPath, field: &Field) -> Option<&Node> {
        let mut section = path.clone();
        section.pop();
        self.root.at(path).or_else(|| find(field, self.root.at(&section)?.as_map()?))
    }
}

struct Walk<'a> {
    declared: usize,
    found: &'a mut Vec<Difference>,
}

impl Walk<'_> {
    fn field(
        &mut self,
        trail: &Trail<'_>,
        field: &Field,
        above: Option<Change>,
        old: Option<&Node>,
        new: Option<&Node>,
    ) {
        if is_shared(old, new) {
            return;
        }
        let change = field.change.or(above);
        let (old, new) = (old.filter(|node| !node.is_null()), new.filter(|node| !node.is_null()));
        if let Kind::Group(group) = &field.shape.plain().0
            && !field.shape.is_live()
            && is_map_or_nothing(old)
            && is_map_or_nothing(new)
            // One that is there, even if empty, is another thing than one that is not.
            && (!matches!(field.shape.0, Kind::Optional(_)) || old.is_some() == new.is_some())
        {
            for field in &group.fields {
                let (old, new) = (inside(old, field), inside(new, field));
                self.field(&Trail::below(trail, Step::Key(&field.name)), field, change, old, new);
            }
            return;
        }
        if !is_same(old, new) {
            let by_type = if field.shape.is_live() { Change::Live } else { Change::Restart };
            self.found.push(Difference {
                key: trail.path(),
                declared: self.declared,
                change: change.unwrap_or(by_type),
                is_followed: field.shape.is_live(),
                origin: new.map_or_else(Origin::default_value, |node| node.origin.clone()),
            });
        }
    }
}

fn inside<'n>(node: Option<&'n Node>, field: &Field) -> Option<&'n Node> {
    find(field, node?.as_map()?)
}

fn find<'m>(field: &Field, map: &'m Map) -> Option<&'m Node> {
    let names = [field.name.as_str()].into_iter().chain(field.aliases.iter().copied());
    names.into_iter().find_map(|name| map.get(name))
}

fn is_map_or_nothing(node: Option<&Node>) -> bool {
    node.is_none_or(Node::is_map)
}

/// Whether both say the same, one of them perhaps as text of the environment.
pub(super) fn is_same(old: Option<&Node>, new: Option<&Node>) -> bool {
    let (old, new) = match (old, new) {
        (None, None) => return true,
        (Some(old), Some(new)) => (old, new),
        _ => return false,
    };
    match (&old.value, &new.value) {
        (Value::Raw(one), Value::Raw(other)) => one == other,
        (Value::Raw(text), _) => is_spelled(new, text, old),
        (_, Value::Raw(text)) => is_spelled(old, text, new),
        _ => old == new,
    }
}

fn is_spelled(node: &Node, text: &str, raw: &Node) -> bool {
    match &node.value {
        Value::Text(own) => **own == *text,
        Value::List(_) | Value::Map(_) => raw.parsed().is_ok_and(|parsed| parsed.as_ref() == Some(node)),
        _ => match &node.spelling {
            Some(spelled) => **spelled == *text,
            None => raw.parsed().is_ok_and(|parsed| parsed.as_ref() == Some(node)),
        },
    }
}
