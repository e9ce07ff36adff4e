//! Whatever the sources hold, the last one that sets a key wins, and is named as its origin.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::{collections::BTreeMap, fmt::Write as _, fs};

use chassis::settings::{Cli, Dict, Env, File, Problems, Source, Tree};
use proptest::{prelude::*, sample::subsequence};
use serde_json::{Map, Value, json};

const SERVICE: &str = "orders";
const KEYS: [&str; 9] = ["a", "b.c", "b.d", "b.e.f", "b.e.g", "h.i", "h.j.k", "h.j.l", "h.j.m"];

/// One source: the keys it sets for every service, and for this one.
#[derive(Debug, Clone)]
struct Layer {
    kind: Kind,
    plain: Vec<(usize, i32)>,
    own: Vec<(usize, i32)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Builder,
    Yaml,
    Toml,
    Json,
    Environment,
    CommandLine,
}

fn keys() -> impl Strategy<Value = Vec<(usize, i32)>> {
    // A shuffled subsequence: the order within a source must not matter.
    let some = subsequence((0..KEYS.len()).collect::<Vec<_>>(), 0..=KEYS.len()).prop_shuffle();
    some.prop_flat_map(|keys| {
        let count = keys.len();
        (Just(keys), prop::collection::vec(any::<i32>(), count))
            .prop_map(|(keys, values)| keys.into_iter().zip(values).collect())
    })
}

fn layers() -> impl Strategy<Value = Vec<Layer>> {
    let kinds = [Kind::Builder, Kind::Yaml, Kind::Toml, Kind::Json, Kind::Environment, Kind::CommandLine];
    let layer = (prop::sample::select(kinds.to_vec()), keys(), keys());
    prop::collection::vec(layer.prop_map(|(kind, plain, own)| Layer { kind, plain, own }), 1..6)
}

impl Layer {
    /// Paths below `system` and their values.
    fn entries(&self) -> Vec<(String, i32)> {
        let plain = self.plain.iter().map(|(key, value)| (format!("free.{}", KEYS[*key]), *value));
        let own = self.own.iter().map(|(key, value)| (format!("microservices.{SERVICE}.free.{}", KEYS[*key]), *value));
        plain.chain(own).collect()
    }

    fn tree(&self) -> Value {
        let mut root = json!({});
        for (path, value) in self.entries() {
            let mut at = &mut root;
            for step in path.split('.') {
                at = at.as_object_mut().unwrap().entry(step).or_insert_with(|| json!({}));
            }
            *at = json!(value);
        }
        root
    }

    fn source(&self, folder: &std::path::Path, number: usize) -> Box<dyn Source> {
        let file = |ending: &str, text: String| -> Box<dyn Source> {
            let path = folder.join(format!("{number}.{ending}"));
            fs::write(&path, text).unwrap();
            Box::new(File::new(path))
        };
        match self.kind {
            Kind::Builder => Box::new(Dict::from(self.tree())),
            Kind::Yaml => {
                let mut text = "system:\n".to_owned();
                yaml(&mut text, self.tree().as_object().unwrap(), 1);
                file("yml", text)
            }
            Kind::Toml => {
                let lines = self.entries().into_iter().map(|(path, value)| format!("system.{path} = {value}\n"));
                file("toml", lines.collect())
            }
            Kind::Json => file("json", json!({ "system": self.tree() }).to_string()),
            Kind::Environment => Box::new(Env::from_variables(self.entries().into_iter().map(|(path, value)| {
                (format!("CHASSIS__{}", path.to_uppercase().replace('.', "__")), value.to_string())
            }))),
            Kind::CommandLine => {
                Box::new(Cli::new(self.entries().into_iter().map(|(path, value)| format!("{path}={value}"))))
            }
        }
    }

    fn is_origin(&self, number: usize, origin: &str) -> bool {
        match self.kind {
            Kind::Builder => origin == "builder",
            Kind::Yaml => origin.contains(&format!("{number}.yml:")),
            Kind::Toml => origin.contains(&format!("{number}.toml:")),
            Kind::Json => origin.contains(&format!("{number}.json:1:")),
            Kind::Environment => origin.starts_with("CHASSIS__"),
            Kind::CommandLine => origin.starts_with("--set "),
        }
    }
}

fn yaml(text: &mut String, map: &Map<String, Value>, depth: usize) {
    for (key, value) in map {
        let indent = "  ".repeat(depth);
        match value {
            Value::Object(below) => {
                writeln!(text, "{indent}{key}:").unwrap();
                yaml(text, below, depth + 1);
            }
            value => writeln!(text, "{indent}{key}: {value}").unwrap(),
        }
    }
}

/// What has to come out: for each key the value, and the number of the source that set it.
fn expected(layers: &[Layer]) -> BTreeMap<usize, (i32, usize)> {
    let mut winners = BTreeMap::new();
    for (number, layer) in layers.iter().enumerate() {
        // Within a source, what is written for one service wins.
        for (key, value) in layer.plain.iter().chain(&layer.own) {
            winners.insert(*key, (*value, number));
        }
    }
    winners
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_last_source_that_sets_a_key_wins(layers in layers()) {
        let folder = tempfile::tempdir().unwrap();
        let sources: Vec<Box<dyn Source>> =
            layers.iter().enumerate().map(|(number, layer)| layer.source(folder.path(), number)).collect();
        let mut problems = Problems::new();
        let tree = Tree::merge(&sources, SERVICE, &mut problems);
        let expected = expected(&layers);
        for (number, key) in KEYS.iter().enumerate() {
            let path = format!("free.{key}");
            let (section, name) = path.rsplit_once('.').unwrap();
            let found = tree.section(section).setting::<Option<i32>>(name, None, &mut problems).unwrap();
            prop_assert_eq!(found, expected.get(&number).map(|(value, _)| *value), "{}", key);
            if let Some((_, winner)) = expected.get(&number) {
                let origin = tree.section(&path).origin().to_string();
                prop_assert!(layers[*winner].is_origin(*winner, &origin), "{} is said to be from {}", key, origin);
            }
        }
        prop_assert!(problems.is_empty(), "{}", problems);
    }

    #[test]
    fn merging_twice_is_merging_once(layers in layers()) {
        let folder = tempfile::tempdir().unwrap();
        let sources = |times: usize| -> Vec<Box<dyn Source>> {
            let numbered = layers.iter().enumerate().map(|(number, layer)| layer.source(folder.path(), number));
            std::iter::repeat_n(numbered, times).flatten().collect()
        };
        let merged = |sources: &[Box<dyn Source>]| {
            let tree = Tree::merge(sources, SERVICE, &mut Problems::new());
            KEYS.map(|key| tree.section(&format!("free.{key}")).origin().to_string())
        };
        prop_assert_eq!(merged(&sources(1)), merged(&sources(2)));
    }
}
