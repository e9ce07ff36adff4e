//! Every type, every attribute, every mistake.

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, SocketAddr},
    num::NonZeroU8,
    path::PathBuf,
    time::Duration,
};

use serde::Deserialize;

use super::*;

#[derive(Debug, PartialEq, SettingsSchema)]
struct Everything {
    flag: bool,
    small: u8,
    signed: i64,
    ratio: f64,
    some: NonZeroU8,
    text: String,
    path: PathBuf,
    wait: Duration,
    size: ByteSize,
    address: SocketAddr,
    ip: IpAddr,
    list: Vec<u16>,
    map: BTreeMap<String, bool>,
    hash: HashMap<String, Vec<String>>,
    choice: Choice,
    nested: Nested,
    maybe: Option<Nested>,
    names: OneOrMany,
    secret: Secret<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, SettingsSchema)]
#[settings(rename_all = "kebab-case")]
enum Choice {
    /// First.
    OneForOne,
    #[setting(rename = "REST", alias = "rest_for_one")]
    RestForOne,
}

#[derive(Debug, Default, PartialEq, SettingsSchema)]
struct Nested {
    #[setting(default = 7)]
    depth: u32,
}

#[test]
fn values_of_a_file_are_read_by_their_types() {
    let everything: Everything = read(json!({
        "flag": true, "small": 255, "signed": -1, "ratio": 2, "some": 1, "text": 12, "path": "/tmp", "wait": "1m 30s",
        "size": "64KiB", "address": "[::1]:80", "ip": "10.0.0.1", "list": [1, 2], "map": {"a": false},
        "hash": {"a": ["x", 1, true]}, "choice": "rest_for_one", "nested": {}, "maybe": {"depth": 1}, "names": "all",
        "secret": 1234,
    }))
    .unwrap();
    let expected = Everything {
        flag: true,
        small: 255,
        signed: -1,
        ratio: 2.0,
        some: NonZeroU8::MIN,
        text: "12".to_owned(),
        path: "/tmp".into(),
        wait: Duration::from_secs(90),
        size: ByteSize::kib(64),
        address: "[::1]:80".parse().unwrap(),
        ip: "10.0.0.1".parse().unwrap(),
        list: vec![1, 2],
        map: BTreeMap::from([("a".to_owned(), false)]),
        hash: HashMap::from([("a".to_owned(), vec!["x".to_owned(), "1".to_owned(), "true".to_owned()])]),
        choice: Choice::RestForOne,
        nested: Nested { depth: 7 },
        maybe: Some(Nested { depth: 1 }),
        names: ["all"].into_iter().collect(),
        secret: Secret::new("1234".to_owned()),
    };
    assert_eq!(everything, expected);
}

#[test]
fn text_of_the_command_line_is_read_by_the_declared_type() {
    let everything: Everything = read_raw([
        "section.flag=on",
        "section.small= 7 ",
        "section.signed=-9",
        "section.ratio=0.5",
        "section.some=1",
        "section.text=8080",
        "section.path=a b",
        "section.wait=250ms",
        "section.size=1500",
        "section.address=127.0.0.1:80",
        "section.ip=::1",
        "section.list=[1, 2]",
        r#"section.map={"a": true}"#,
        r#"section.hash={"a": ["x"]}"#,
        "section.choice=one-for-one",
        r#"section.nested={"depth": 3}"#,
        "section.maybe=null",
        r#"section.names=["db", "http"]"#,
        r#"section.secret={"not": "JSON here"}"#,
    ])
    .unwrap();
    assert!(everything.flag);
    assert_eq!((everything.small, everything.signed, everything.text.as_str()), (7, -9, "8080"));
    assert_eq!(everything.list, [1, 2]);
    assert_eq!(everything.nested.depth, 3);
    assert_eq!(everything.maybe, None);
    assert!(everything.names.names("db") && !everything.names.is_all());
    assert_eq!(everything.secret.expose(), r#"{"not": "JSON here"}"#);
}

#[test]
fn every_mistake_is_told_in_one_pass() {
    let mistakes = read::<Everything>(json!({
        "flag": "yes", "small": 256, "signed": 1.5, "ratio": "1", "some": 0, "text": [], "path": "", "wait": "3 parsecs",
        "size": -1, "address": "localhost", "ip": 7, "list": [1, "2", 70000], "map": {"a": 1}, "hash": [], "choice": "on",
        "nested": {"dept": 1}, "maybe": 3, "names": {}, "secret": {"a": 1}, "extra": 1,
    }));
    let expected = [
        "`system.section.address`: expected an IP address and port such as `127.0.0.1:8080`, found text \"localhost\" (at builder)",
        "`system.section.choice`: expected one of `one-for-one`, `REST`, found text \"on\" (at builder)",
        "`system.section.extra`: unknown key (at builder)",
        "`system.section.flag`: expected `true` or `false`, found text \"yes\" (at builder)",
        "`system.section.hash`: expected a map, found a list (at builder)",
        "`system.section.ip`: expected an IP address such as `127.0.0.1`, found 7 (at builder)",
        "`system.section.list.1`: expected a whole number from 0 to 65535, found text \"2\" (at builder); take the quotes away",
        "`system.section.list.2`: expected a whole number from 0 to 65535, found 70000 (at builder)",
        "`system.section.map.a`: expected `true` or `false`, found 1 (at builder)",
        "`system.section.maybe`: expected a map, found 3 (at builder)",
        "`system.section.names`: expected a list of names, one name, or `all`, found a map (at builder)",
        "`system.section.nested.dept`: unknown key (at builder); did you mean `depth`?",
        "`system.section.path`: expected a path, found text \"\" (at builder)",
        "`system.section.ratio`: expected a number, found text \"1\" (at builder)",
        "`system.section.secret`: expected text, found a map (at builder)",
        "`system.section.signed`: expected a whole number, found 1.5 (at builder)",
        "`system.section.size`: expected an amount of bytes, such as `64KiB`, `10MB` or a number, found -1 (at builder)",
        "`system.section.small`: expected a whole number from 0 to 255, found 256 (at builder)",
        "`system.section.some`: expected a whole number from 1 to 255, found 0 (at builder)",
        "`system.section.text`: expected text, found a list (at builder)",
        "`system.section.wait`: expected a duration, such as `500ms`, `10s` or a number of seconds, found text \"3 parsecs\" (at builder)",
    ];
    assert_eq!(mistakes.unwrap_err(), expected);
}

#[test]
fn everything_that_is_required_is_told_with_the_ways_to_set_it() {
    let mistakes = read::<Everything>(json!({ "nested": {} })).unwrap_err();
    assert_eq!(mistakes.len(), 17);
    assert_eq!(
        mistakes[0],
        "`system.section.address`: required, but not set; set it in a settings file, as `CHASSIS__SECTION__ADDRESS` \
         in the environment or with `--set section.address=…`; its section is at builder"
    );
}

#[derive(Debug, PartialEq, SettingsSchema)]
struct Attributes {
    #[setting(default = "world")]
    name: String,
    #[setting(default = 3, range = 1..=5)]
    ranged: i32,
    #[setting(default = 1.0, min = 0.5)]
    least: f32,
    #[setting(default = "1s", min = "100ms", max = 60, unit = "s")]
    wait: Duration,
    #[setting(default = Duration::from_millis(20), unit = "ms")]
    interval: Duration,
    #[setting(default = ByteSize::kib(1), max = "1MiB")]
    size: ByteSize,
    #[setting(default, alias = ["old_tags", "labels"])]
    tags: Vec<String>,
    #[setting(rename = "type", default = "plain")]
    kind: String,
    #[setting(default)]
    r#ref: String,
    #[setting(serde, default)]
    foreign: Foreign,
    #[setting(skip)]
    cache: Vec<u8>,
    #[setting(default = Some(4))]
    maybe: Option<u8>,
}

#[derive(Debug, Default, PartialEq, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Foreign {
    a: u8,
    b: Vec<String>,
}

#[test]
fn attributes_do_what_they_say() {
    let defaults: Attributes = read(json!({})).unwrap();
    assert_eq!(defaults.name, "world");
    assert_eq!(defaults.wait, Duration::from_secs(1));
    assert_eq!(defaults.interval, Duration::from_millis(20));
    assert_eq!((defaults.kind.as_str(), defaults.maybe), ("plain", Some(4)));
    assert_eq!(defaults.foreign, Foreign::default());

    let given: Attributes = read(json!({
        "ranged": 5, "least": 0.5, "wait": 2, "interval": 250, "labels": ["a"], "type": "x", "ref": "r",
        "foreign": { "a": 1 }, "maybe": null,
    }))
    .unwrap();
    assert_eq!((given.ranged, given.least), (5, 0.5));
    assert_eq!(given.wait, Duration::from_secs(2));
    assert_eq!(given.interval, Duration::from_millis(250));
    assert_eq!(given.tags, ["a"]);
    assert_eq!((given.kind.as_str(), given.r#ref.as_str()), ("x", "r"));
    assert_eq!((given.foreign.a, given.maybe), (1, None));
}

#[test]
fn limits_aliases_and_foreign_types_have_their_own_words() {
    let mistakes = read::<Attributes>(json!({
        "ranged": 6, "least": 0.1, "wait": "50ms", "interval": "x", "size": "2MiB", "tags": [], "labels": [],
        "foreign": { "c": 1 },
    }));
    let expected = [
        "`system.section.foreign`: unknown field `c`, expected `a` or `b` (at builder)",
        "`system.section.interval`: expected a duration, such as `500ms`, `10s` or a number of milliseconds, found text \"x\" (at builder)",
        "`system.section.least`: expected a number, 0.5 or more, found 0.1 (at builder)",
        "`system.section.ranged`: expected a whole number from 1 to 5, found 6 (at builder)",
        "`system.section.size`: expected an amount of bytes of at most 1MiB, such as `64KiB`, `10MB` or a number, found text \"2MiB\" (at builder)",
        "`system.section.tags`: is set twice: as `tags` and by its other name `labels` (at builder)",
        "`system.section.wait`: expected a duration from 100ms to 1m, such as `500ms`, `10s` or a number of seconds, found text \"50ms\" (at builder)",
    ];
    assert_eq!(mistakes.unwrap_err(), expected);
}

#[derive(Debug, SettingsSchema)]
#[settings(check = Limits::check)]
struct Limits {
    #[setting(default = 1)]
    min: u32,
    #[setting(default = 10)]
    max: u32,
}

impl Limits {
    fn check(&self) -> Result<(), String> {
        if self.min <= self.max { Ok(()) } else { Err(format!("`min` ({}) is above `max` ({})", self.min, self.max)) }
    }
}

#[test]
fn rules_between_fields_are_asked_once_all_are_read() {
    assert!(read::<Limits>(json!({})).is_ok());
    let mistakes = read::<Limits>(json!({ "min": 20 })).unwrap_err();
    assert_eq!(mistakes, ["`system.section`: `min` (20) is above `max` (10) (at builder)"]);
    let mistakes = read::<Limits>(json!({ "min": 20, "max": "x" })).unwrap_err();
    assert_eq!(mistakes.len(), 1, "the rule is not asked: {mistakes:?}");
}

#[derive(Debug, Clone, PartialEq, SettingsSchema)]
#[settings(default)]
struct ByDefault {
    a: u8,
    #[setting(default = 9)]
    b: u8,
}

impl Default for ByDefault {
    fn default() -> Self {
        Self { a: 5, b: 6 }
    }
}

#[test]
fn defaults_may_come_from_the_struct() {
    assert_eq!(read::<ByDefault>(json!({})), Ok(ByDefault { a: 5, b: 9 }));
    assert_eq!(defaults::<ByDefault>(), ByDefault { a: 5, b: 9 });
}

#[derive(Debug, SettingsSchema)]
struct Store<T: SettingValue> {
    #[setting(default)]
    items: Vec<T>,
}

#[derive(Debug, SettingsSchema)]
struct Unit;

#[derive(Debug, SettingsSchema)]
struct Endless {
    #[setting(default)]
    below: Vec<Endless>,
}

#[test]
fn generic_empty_and_recursive_structs_are_read_and_described() {
    assert_eq!(read::<Store<u8>>(json!({ "items": [1] })).unwrap().items, [1]);
    assert!(read::<Unit>(json!({})).is_ok());
    assert_eq!(
        read::<Unit>(json!({ "a": 1 })).unwrap_err(),
        ["`system.section.a`: unknown key (at builder); nothing can be set here"]
    );
    let endless: Endless = read(json!({ "below": [{ "below": [{}] }] })).unwrap();
    assert_eq!(endless.below[0].below.len(), 1);
    assert!(schema(&[Declared::of::<Endless>("endless")], "orders").is_object());
}

#[test]
fn a_key_that_belongs_one_level_further_down_is_told_with_its_place() {
    #[derive(Debug, SettingsSchema)]
    #[allow(dead_code, reason = "only its keys matter")]
    struct Outer {
        #[setting(default = 1)]
        deep: u32,
        near: Option<Nested>,
        far: Option<Nested>,
    }
    let told = read::<Outer>(json!({ "depth": 1 })).unwrap_err();
    let expected = "`system.section.depth`: unknown key (at builder); did you mean `near.depth` or `far.depth`?";
    assert_eq!(told, [expected]);
    // One slip away from a name that is here.
    let told = read::<Outer>(json!({ "deap": 1 })).unwrap_err();
    assert_eq!(told, ["`system.section.deap`: unknown key (at builder); did you mean `deep`?"]);
}

#[test]
fn derived_types_are_deserialized_by_the_same_rules() {
    let nested: Nested = serde_json::from_str(r#"{"depth": 3}"#).unwrap();
    assert_eq!(nested.depth, 3);
    let error = serde_json::from_str::<Attributes>(r#"{"ranged": 9, "nam": 1}"#).unwrap_err().to_string();
    assert_eq!(
        error,
        "`system.nam`: unknown key (at default); did you mean `name`?; \
         `system.ranged`: expected a whole number from 1 to 5, found 9 (at default)"
    );
    assert_eq!(serde_json::from_str::<Choice>(r#""REST""#).unwrap(), Choice::RestForOne);
    let schema = schemars::schema_for!(Nested).to_value();
    assert_eq!(schema["properties"]["depth"]["default"], json!(7));
}

#[test]
fn a_key_alone_is_read_with_its_default() {
    let (tree, mut problems) = tree(vec![dict(json!({ "microservices": { "orders": { "page_size": "x" } } }))]);
    let section = tree.own_section();
    assert_eq!(section.setting::<u32>("page_size", Some(|| 20), &mut problems), None);
    assert_eq!(section.setting::<u32>("other", Some(|| 20), &mut problems), Some(20));
    assert_eq!(section.setting::<u32>("missing", None, &mut problems), None);
    assert_eq!(problems.len(), 2);
}

#[test]
fn a_duration_that_no_clock_can_add_is_refused() {
    #[derive(Debug, SettingsSchema)]
    struct Patience {
        #[setting(default = "1s")]
        wait: Duration,
    }

    let told = read_raw::<Patience, 1>(["section.wait=600000000000000000s"]).unwrap_err();
    assert!(told[0].contains("expected a duration of at most 36500d"), "{told:?}");
    assert_eq!(read_raw::<Patience, 1>(["section.wait=36500d"]).unwrap().wait, Duration::from_secs(36_500 * 86_400));
}
