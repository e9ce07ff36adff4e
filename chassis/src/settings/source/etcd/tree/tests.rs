//! Keys and values as they may stand in etcd, and what becomes of them.

use proptest::prelude::*;

use super::*;

fn read(keys: &[(&str, &str)]) -> (Layer, Problems) {
    let mut tree = Keys::default();
    for (revision, (key, value)) in (1..).zip(keys) {
        tree.put(key.as_bytes().to_vec(), value.as_bytes(), revision);
    }
    let mut problems = Problems::new();
    (tree.layer("/system", &mut problems), problems)
}

fn told(keys: &[(&str, &str)]) -> Vec<String> {
    let (_, problems) = read(keys);
    problems.iter().chain(problems.warnings()).map(ToString::to_string).collect()
}

#[test]
fn a_key_is_a_path_and_its_value_json() {
    let (layer, problems) = read(&[("/system/a/b", "{\"c\": [1, \"x\"]}"), ("/system/d", "1.10")]);
    assert!(problems.is_empty());
    assert_eq!(layer.root.to_json(), serde_json::json!({"a": {"b": {"c": [1, "x"]}}, "d": 1.1}));
    let d = layer.root.child("d").unwrap();
    assert_eq!((d.origin.to_string().as_str(), d.spelling.as_deref()), ("etcd /system/d rev 2", Some("1.10")));
}

#[test]
fn what_is_no_json_is_told_with_key_and_revision_and_without_the_value() {
    let [told] = told(&[("/system/password", "hunter2")]).try_into().unwrap();
    assert!(told.contains("system.password") && told.contains("etcd /system/password rev 1"), "{told}");
    assert!(!told.contains("hunter"), "{told}");
    let [told] = self::told(&[("/system/a", "")]).try_into().unwrap();
    assert!(told.contains("it is empty"), "{told}");
}

#[test]
fn a_value_and_keys_below_it_are_a_problem_that_names_both() {
    for keys in [
        [("/system/a", "1"), ("/system/a-b", "1"), ("/system/a/b", "2")],
        [("/system/a", "{}"), ("/system/a!", "1"), ("/system/a/b/c", "2")],
    ] {
        let [told] = self::told(&keys).try_into().unwrap();
        assert!(told.contains("etcd /system/a rev 1") && told.contains("etcd /system/a/b"), "{told}");
    }
    assert_eq!(self::told(&[("/system/a", "1"), ("/system/ab", "1"), ("/system/a-b/c", "2")]), [""; 0]);
}

#[test]
fn keys_that_differ_in_case_are_warned_of() {
    let [told] = self::told(&[("/system/http/port", "1"), ("/system/http/Port", "2")]).try_into().unwrap();
    assert!(told.contains("/system/http/Port rev 2") && told.contains("/system/http/port rev 1"), "{told}");
    assert_eq!(self::told(&[("/system/A", "1"), ("/system/b", "2")]), [""; 0]);
    assert_eq!(self::told(&[("/system/aB", "1"), ("/system/Ab", "2")]).len(), 1);
}

#[test]
fn the_instances_of_services_are_no_settings() {
    assert!(!is_setting(b"/system/discovery/orders/1", "/system") && !is_setting(b"/discovery/orders/1", ""));
    assert!(!is_setting(b"/system/leaders/orders/bill", "/system") && is_setting(b"/system/leaders", "/system"));
    assert!(is_setting(b"/system/discovery", "/system") && is_setting(b"/system/resources/discovery/a", "/system"));
}

#[test]
fn names_that_are_missing_and_endless_ones_are_told() {
    let deep = format!("/system{}", "/a".repeat(100_000));
    for key in ["/system/", "/system//a", "/system/a/", deep.as_str()] {
        assert_eq!(self::told(&[(key, "1")]).len(), 1);
    }
}

/// One name of a key: some of them no names, some the same but for case, some not even text.
fn name_of_key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => prop::sample::select(vec!["a", "A", "b", "port", "Port", "http", "microservices", "discovery", "12"])
            .prop_map(|name| name.as_bytes().to_vec()),
        1 => prop::sample::select(vec!["", ".", "\"", "\u{1b}[2J", "\n", "\0", "ü", "a.b", "{", "=", "ſ"])
            .prop_map(|name| name.as_bytes().to_vec()),
        1 => prop::sample::select(vec![b"\xff".to_vec(), b"\xc3".to_vec(), vec![b'x'; 5_000]]),
    ]
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    let names = prop::collection::vec(name_of_key(), 0..5);
    (prop::sample::select(vec!["/system", "/system", "/system", "/other", ""]), names, any::<bool>()).prop_map(
        |(prefix, names, ends_with_slash)| {
            let mut key = names.iter().fold(prefix.as_bytes().to_vec(), |key, name| [&key[..], b"/", name].concat());
            if ends_with_slash && names.len() == 4 {
                key.push(b'/');
            }
            key
        },
    )
}

/// A document: half of them JSON, some of them large, all of what is no JSON with something in it that is not to be shown.
fn document() -> impl Strategy<Value = Vec<u8>> {
    let good =
        prop::sample::select(vec!["1", "1.10", "true", "null", "\"x\"", "[]", "[1, {}]", "{}", "{\"a\": {\"b\": 1}}"]);
    let bad = prop::sample::select(vec![
        "hunter2",
        "\"hunter2",
        "{\"hunter2\": }",
        "1 hunter2",
        "[hunter2]",
        "\u{1b}hunter2",
        "1e9999",
    ]);
    prop_oneof![
        10 => good.prop_map(|text| text.as_bytes().to_vec()),
        8 => bad.prop_map(|text| text.as_bytes().to_vec()),
        1 => Just(b"\xff\xfehunter2".to_vec()),
        1 => Just(Vec::new()),
        1 => Just("[".repeat(10_000).into_bytes()),
        1 => (1..1_000_000_usize).prop_map(|length| format!("\"{}\"", "x".repeat(length)).into_bytes()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_key_is_a_setting_or_told_with_its_revision(
        keys in prop::collection::btree_map(key(), document(), 0..30),
    ) {
        let mut tree = Keys::default();
        for (revision, (key, document)) in (1_000..).zip(&keys) {
            tree.put(key.clone(), document, revision);
        }
        let mut problems = Problems::new();
        let layer = tree.layer("/system", &mut problems);
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        for problem in problems.iter().chain(problems.warnings()) {
            let text = problem.to_string();
            let origin = problem.written_at().map(ToString::to_string).unwrap_or_default();
            prop_assert!(origin.starts_with("etcd ") && origin.contains(" rev 10"), "{text}");
            prop_assert!(!text.contains(char::is_control) && text.len() < 10_000, "{text}");
            prop_assert!(!text.contains("hunter2"), "{text}");
        }
        prop_assert!(problems.iter().all(|problem| problem.key().is_some_and(|key| key.starts_with("system"))));
        for (revision, (key, _)) in (1_000..).zip(&keys) {
            let is_told = told.iter().any(|told| told.contains(&format!(" rev {revision}")));
            let is_there = layer.root.at(&path(key, "/system")).is_some();
            prop_assert!(is_told || is_there, "{} is neither told nor there", key.escape_ascii());
        }
        // What it says is what a service reads, whatever that is.
        let _ = layer.root.to_json();
        for (key, document) in &keys {
            let before = tree.clone();
            tree.put(key.clone(), document, 2_000);
            tree.delete(key);
            prop_assert_eq!(before.entries.len(), tree.entries.len() + 1);
        }
        prop_assert!(tree.layer("/system", &mut Problems::new()).root.as_map().is_some_and(|map| map.is_empty()));
    }
}
