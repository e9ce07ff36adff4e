//! What each format makes of a file: values, spellings, places, and mistakes.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use serde_json::{Value as Json, json};

use super::*;
use crate::settings::path::KeyPath;

struct Read {
    root: Node,
    problems: Vec<String>,
    is_partial: bool,
}

fn read(ending: &str, text: &str) -> Read {
    let mut problems = Problems::new();
    let parse = by_ending(ending).unwrap();
    let parsed = parse(&Text::new(format!("f.{ending}").into(), text), &mut problems);
    let root = parsed.root.unwrap_or_else(|| Node::empty_map(Origin::default_value()));
    let problems = problems.iter().map(ToString::to_string).collect();
    Read { root, problems, is_partial: parsed.is_partial }
}

#[track_caller]
fn check(ending: &str, text: &str, expected: Json) {
    let Read { root, problems, is_partial } = read(ending, text);
    assert_eq!(problems, Vec::<String>::new(), "{text}");
    assert!(!is_partial);
    assert_eq!(root.to_json(), expected, "{text}");
}

#[track_caller]
fn mistakes(ending: &str, text: &str, expected: &[&str]) -> Json {
    let Read { root, problems, .. } = read(ending, text);
    assert_eq!(problems, expected, "{text}");
    root.to_json()
}

impl Read {
    #[track_caller]
    fn place(&self, path: &str) -> (String, String) {
        let node = self.root.at(&KeyPath::lenient(path)).unwrap();
        (node.named_at().to_string(), node.origin.to_string())
    }
}

fn places(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

#[test]
fn yaml_scalars_mean_what_the_core_schema_says() {
    check(
        "yml",
        "a: 1\nb: -2\nc: 0x1F\nd: 0o17\ne: 1.5\nf: 1e3\ng: .5",
        json!({
            "a": 1, "b": -2, "c": 31, "d": 15, "e": 1.5, "f": 1000.0, "g": 0.5
        }),
    );
    check(
        "yml",
        "a: true\nb: False\nc: ~\nd:\ne: null\nf: yes\ng: 'true'\nh: \"1\"",
        json!({
            "a": true, "b": false, "c": null, "d": null, "e": null, "f": "yes", "g": "true", "h": "1"
        }),
    );
    check(
        "yml",
        "a: inf\nb: nan\nc: 1-2\nd: e\ne: 1.2.3\nf: 12e\ng: !!str 12\nh: !!int '12'\ni: ! 5",
        json!({
            "a": "inf", "b": "nan", "c": "1-2", "d": "e", "e": "1.2.3", "f": "12e", "g": "12", "h": 12, "i": "5"
        }),
    );
    check(
        "yml",
        "a: 99999999999999999999\nb: |\n  two\n  lines\nc: >\n  one\n  line",
        json!({
            "a": "99999999999999999999", "b": "two\nlines\n", "c": "one line\n"
        }),
    );
    check("yml", "8080: a\ntrue: b\n1.50: c", json!({ "8080": "a", "true": "b", "1.50": "c" }));
    check("yml", "", json!({}));
    check("yml", "# nothing\n---\n", json!(null));
}

#[test]
fn yaml_aliases_and_merges_are_repeated_where_they_stand() {
    check(
        "yml",
        "a: &a {x: 1, y: [2]}\nb: *a\nc:\n  <<: *a\n  x: 3",
        json!({
            "a": { "x": 1, "y": [2] }, "b": { "x": 1, "y": [2] }, "c": { "x": 3, "y": [2] }
        }),
    );
    check(
        "yml",
        "a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc:\n  <<: [*a, *b]",
        json!({
            "a": { "x": 1 }, "b": { "x": 2, "y": 2 }, "c": { "x": 1, "y": 2 }
        }),
    );
    let found = read("yml", "a: &a\n  x: 1\nb: *a\n");
    assert_eq!(found.place("b"), places("f.yml:3:1", "f.yml:3:4"));
    assert_eq!(found.place("b.x"), places("f.yml:2:3", "f.yml:2:6"));
}

#[test]
fn every_value_knows_its_place() {
    let yaml = read("yml", "outer:\n  résumé: {port: 80}\n  list:\n    - one\n    - two\n");
    assert_eq!(yaml.place("outer"), places("f.yml:1:1", "f.yml:2:3"));
    assert_eq!(yaml.place("outer.résumé.port"), places("f.yml:2:12", "f.yml:2:18"));
    assert_eq!(yaml.place("outer.list.1"), places("f.yml:5:7", "f.yml:5:7"));

    let toml = read("toml", "[outer]\na.b = 80\n[[outer.list]]\nx = 'é'  # y\ny = 1\n");
    assert_eq!(toml.place("outer.a.b"), places("f.toml:2:3", "f.toml:2:7"));
    assert_eq!(toml.place("outer.list.0.y"), places("f.toml:5:1", "f.toml:5:5"));

    let json = read("json", "{\"outer\": {\n  \"é\": [1,\n 2]}}");
    assert_eq!(json.place("outer.é"), places("f.json:2:3", "f.json:2:8"));
    assert_eq!(json.place("outer.é.1"), places("f.json:3:2", "f.json:3:2"));
}

#[test]
fn toml_and_json_values_keep_their_spelling() {
    check(
        "toml",
        "a = 1_000\nb = 0xff\nc = 1.50\nd = 2024-01-02\ne = true\nf = [1, 'x']",
        json!({
            "a": 1000, "b": 255, "c": 1.5, "d": "2024-01-02", "e": true, "f": [1, "x"]
        }),
    );
    check(
        "json",
        r#"{"a": [1, -2.5e3, true, null, "\u00e9\n"], "b": {}, "c": 18446744073709551616}"#,
        json!({
            "a": [1, -2500.0, true, null, "é\n"], "b": {}, "c": "18446744073709551616"
        }),
    );
    for (ending, text) in [("yml", "a: 1.50"), ("toml", "a = 1.50"), ("json", "{\"a\": 1.50}")] {
        assert_eq!(read(ending, text).root.child("a").unwrap().spelling.as_deref(), Some("1.50"), "{ending}");
    }
    check("json", " \n", json!({}));
}

#[test]
fn duplicate_keys_are_told_with_both_places_and_the_rest_is_read() {
    let rest = mistakes(
        "yml",
        "a: 1\nb: 2\na: 3\nc: 4",
        &["f.yml:3:1: the key \"a\" is there twice, first at f.yml:1:1; remove one of them"],
    );
    assert_eq!(rest, json!({ "a": 1, "b": 2, "c": 4 }));
    let rest = mistakes(
        "json",
        "{\"a\": 1,\n\"a\": 3, \"c\": 4}",
        &["f.json:2:1: the key \"a\" is there twice, first at f.json:1:2; remove one of them"],
    );
    assert_eq!(rest, json!({ "a": 1, "c": 4 }));
    mistakes("toml", "a = 1\na = 2\n", &["f.toml:2:1: not TOML: duplicate key"]);
}

#[test]
fn malformed_files_are_told_with_the_place_and_read_as_far_as_possible() {
    let rest = mistakes("yml", "a: 1\nb: [2, 3\nc: 4\n", &["f.yml:3:2: not YAML: illegal placement of ':' indicator"]);
    assert_eq!(rest["a"], json!(1));
    mistakes("yml", "a:\n\t- b", &["f.yml:2:2: not YAML: tabs disallowed within this context (block indentation)"]);
    mistakes("yml", "a: *b", &["f.yml:1:4: not YAML: while parsing node, found unknown anchor"]);
    mistakes("yml", "a: &a [*a]", &["f.yml:1:8: this alias stands for something that contains it"]);
    mistakes("yml", "a: !vault x", &["f.yml:1:11: the tag `!vault` is not known"]);
    mistakes("yml", "? [a]\n: 1\nb: 2", &["f.yml:1:3: a key is a name, not a list or a map"]);
    mistakes("yml", "<<: 1", &["f.yml:1:5: `<<` takes a map, or a list of maps"]);
    mistakes(
        "yml",
        "a: 1\n---\nb: 2",
        &["f.yml:2:1: a second document begins here; a settings file has one; write one file for each"],
    );
    let rest = mistakes(
        "toml",
        "a = 1\nb = \nc = 3\nd = [1,\n",
        &[
            "f.toml:2:5: not TOML: string values must be quoted, expected literal string",
            "f.toml:4:8: not TOML: unclosed array, expected `]`",
        ],
    );
    assert_eq!(rest["a"], json!(1));
    assert_eq!(rest["c"], json!(3));
    for (text, expected) in [
        ("{\"a\": 1,}", "f.json:1:9: not JSON: expected a key in double quotes, found `}`"),
        ("{\"a\" 1}", "f.json:1:6: not JSON: expected `:`, found `1`"),
        ("{\"a\": 1 2}", "f.json:1:9: not JSON: expected `,` or `}`, found `2`"),
        ("{\"a\": [1 2]}", "f.json:1:10: not JSON: expected `,` or `]`, found `2`"),
        ("{\"a\": 01}", "f.json:1:7: not JSON: expected a value, found `0`"),
        ("{\"a\": ", "f.json:1:7: not JSON: expected a value, found the end of the file"),
        ("{\"a\": \"b", "f.json:1:7: not JSON: expected a closing quote for this text, found `\\\"`"),
        ("{} x", "f.json:1:4: not JSON: expected the end of the file, found `x`"),
    ] {
        mistakes("json", text, &[expected]);
    }
}

#[test]
fn deep_nesting_and_alias_bombs_are_refused() {
    let told = |ending: &str, text: &str| read(ending, text).problems;
    for (ending, text) in [
        ("yml", "[".repeat(100_000)),
        ("yml", "- ".repeat(100_000)),
        ("yml", "? ".repeat(100_000)),
        ("yml", format!("a: {}1", "{a: ".repeat(5_000))),
        ("json", "[".repeat(100_000)),
        ("json", "{\"a\":".repeat(100_000)),
        ("toml", format!("a = {}", "[".repeat(100_000))),
        ("toml", format!("[{}a]", "a.".repeat(100_000))),
    ] {
        let problems = told(ending, &text);
        assert!((1..=10).contains(&problems.len()), "{ending} {} {problems:?}", &text[..20]);
        assert!(problems.iter().all(|problem| problem.len() < 300), "{problems:?}");
    }
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let below = format!("*a{}", level - 1);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![below; 9].join(",")));
    }
    let problems = told("yml", &bomb);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("there are more than 100000 values; aliases repeat"), "{problems:?}");
}

#[test]
fn places_in_long_lines_are_counted_in_characters() {
    let text = format!("[{}, \"x\"]", vec!["\"é\""; 200].join(", "));
    let found = read("json", &text);
    for (item, column) in [(0, 2), (1, 7), (199, 997), (200, 1002)] {
        assert_eq!(found.place(&item.to_string()).1, format!("f.json:1:{column}"));
    }
    let text = Text::new("f".into(), &text);
    assert_eq!(text.end().to_string(), "f:1:1006");
    assert_eq!(Text::new("f".into(), "").end().to_string(), "f:1:1");
    let aligned = "x".repeat(512);
    assert_eq!(Text::new("f".into(), &aligned).end().to_string(), "f:1:513");
}
