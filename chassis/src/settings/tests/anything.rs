//! Whatever is written, in whichever format: it is read, or told by its key and its source.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::settings::source::parse_text;

/// One key of each type.
#[derive(SettingsSchema)]
struct Everything {
    #[setting(default = 1, range = 1..=9)]
    number: u16,
    #[setting(default = 1.5)]
    share: f64,
    #[setting(default = "1s", min = "10ms")]
    patience: Duration,
    #[setting(default = "1MiB")]
    size: ByteSize,
    address: Option<SocketAddr>,
    #[setting(default = Tone::Low)]
    tone: Tone,
    #[setting(default = false)]
    flag: Setting<bool>,
    #[setting(default)]
    list: Vec<u8>,
    #[setting(default)]
    map: BTreeMap<String, i64>,
    #[setting(default)]
    names: OneOrMany,
    inner: Option<Inner>,
    #[setting(default = "x")]
    text: String,
    password: Option<Secret<String>>,
}

#[derive(SettingsSchema)]
struct Inner {
    #[setting(default = "x", alias = "other")]
    text: Setting<String>,
    required: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, SettingsSchema)]
enum Tone {
    Low,
    High,
}

const KEYS: [&str; 18] = [
    "number",
    "share",
    "patience",
    "size",
    "address",
    "tone",
    "flag",
    "list",
    "map",
    "names",
    "inner",
    "text",
    "password",
    "required",
    "other",
    "nubmer",
    "\u{1b}[2J",
    "",
];

fn scalar() -> impl Strategy<Value = serde_json::Value> {
    let texts =
        ["", "yes", "1s", "-1", "1e999", "10.0.0.1:80", "\u{1b}[31m", "a\nb", "LOW", "[1]", "{", "null", "0x10", "é"];
    prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        any::<u64>().prop_map(|value| json!(value)),
        (-1.0e300..1.0e300).prop_map(|value: f64| json!(value)),
        prop::sample::select(texts.to_vec()).prop_map(|value| json!(value)),
        ".{0,200}".prop_map(|value| json!(value)),
    ]
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    scalar().prop_recursive(3, 20, 5, |inside| {
        prop_oneof![
            prop::collection::vec(inside.clone(), 0..4).prop_map(|items| json!(items)),
            prop::collection::btree_map(prop::sample::select(KEYS.to_vec()), inside, 0..5).prop_map(|map| json!(map)),
        ]
    })
}

/// A section: the password, if there is one, is the same everywhere.
fn section() -> impl Strategy<Value = serde_json::Map<String, serde_json::Value>> {
    prop::collection::btree_map(prop::sample::select(KEYS.to_vec()), value(), 0..6).prop_map(|map| {
        let mut map: serde_json::Map<_, _> = map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        map.entry("password").and_modify(|password| *password = json!({ "hunter2": ["hunter2"] }));
        map
    })
}

/// As an inline value of TOML, which has no null.
fn toml(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "''".to_owned(),
        serde_json::Value::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        serde_json::Value::Object(map) => {
            let items = map.iter().map(|(key, value)| format!("{} = {}", json!(key), toml(value)));
            format!("{{{}}}", items.collect::<Vec<_>>().join(", "))
        }
        scalar => scalar.to_string(),
    }
}

/// A source that was read before.
struct Read(Layer, Problems);

impl Source for Read {
    fn name(&self) -> String {
        "read".to_owned()
    }

    fn load(&self, problems: &mut Problems) -> Layer {
        problems.append(self.1.clone());
        self.0.clone()
    }
}

fn parsed(name: &str, text: &str) -> Box<dyn Source> {
    let mut problems = Problems::new();
    let layer = parse_text(name, text, &mut problems);
    Box::new(Read(layer, problems))
}

/// The same settings by every way there is, with what the origin of a mistake has to begin with.
fn ways(section: &serde_json::Map<String, serde_json::Value>) -> Vec<(&'static str, Box<dyn Source>)> {
    let whole = json!({ "system": { "resources": { "all": section } } });
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let variables = section
        .iter()
        .map(|(key, value)| (format!("CHASSIS__RESOURCES__ALL__{}", key.to_uppercase()), text(value)))
        .filter(|(_, value)| !value.contains('\0'));
    let values = section.iter().map(|(key, value)| format!("resources.all.{key}={}", text(value)));
    let pretty = serde_json::to_string_pretty(&whole).unwrap();
    vec![
        ("builder", dict(json!({ "resources": { "all": section } }))),
        ("f.json:", parsed("f.json", &whole.to_string())),
        ("f.yml:", parsed("f.yml", &pretty)),
        ("f.toml:", parsed("f.toml", &format!("[system.resources]\nall = {}\n", toml(&json!(section))))),
        ("CHASSIS__", Box::new(Env::from_variables(variables))),
        ("--set", Box::new(Cli::new(values))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_written_is_read_or_told_by_key_and_source(section in section()) {
        let declared = [Declared::of::<Everything>("resources.all")];
        for (place, source) in ways(&section) {
            let (tree, mut problems) = tree(vec![source]);
            tree.check(&declared, false, &mut problems);
            for problem in problems.iter() {
                let text = problem.to_string();
                prop_assert!(!text.contains(char::is_control) && text.len() < 4_000, "{text:?}");
                prop_assert!(!text.contains("hunter2"), "{text}");
                let origin = problem.written_at().map(ToString::to_string);
                match problem.key() {
                    Some(key) => {
                        prop_assert!(key.starts_with("system"), "{text}");
                        let is_missing = text.contains("required, but not set");
                        prop_assert!(is_missing || origin.is_some_and(|origin| origin.starts_with(place)), "{place}: {text}");
                    }
                    // The text of the source itself is malformed.
                    None => prop_assert!(origin.is_some_and(|origin| origin.starts_with(place)), "{place}: {text}"),
                }
            }
            let shown = serde_json::to_string(&tree.effective_json(&declared)).unwrap();
            prop_assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}
