//! Which source wins, and where its value is said to come from.

use super::*;

#[derive(Debug, PartialEq, SettingsSchema)]
struct Http {
    #[setting(default = 8080)]
    port: u16,
    #[setting(default = "localhost")]
    host: String,
    #[setting(default)]
    tags: Vec<String>,
    tls: Option<Tls>,
}

#[derive(Debug, PartialEq, SettingsSchema)]
struct Tls {
    #[setting(default = "a.pem")]
    certificate: String,
    #[setting(default = "a.key")]
    key: String,
}

fn http(sources: Vec<Box<dyn Source>>) -> (Option<Http>, Tree, Problems) {
    let (tree, mut problems) = tree(sources);
    let http = tree.section("resources.http").read(&[], &mut problems);
    (http, tree, problems)
}

fn origin(tree: &Tree, path: &str) -> String {
    tree.section(path).origin().to_string()
}

#[test]
fn the_later_source_wins_key_by_key() {
    let (found, tree, _) = http(vec![
        dict(json!({ "resources": { "http": { "port": 1, "host": "one", "tags": ["a", "b"] } } })),
        dict(json!({ "resources": { "http": { "port": 2, "tags": ["c"] } } })),
        env([("CHASSIS__RESOURCES__HTTP__PORT", "3")]),
        cli(["resources.http.port=4", "resources.http.port=5"]),
    ]);
    let found = found.unwrap();
    assert_eq!((found.port, found.host.as_str(), found.tags), (5, "one", vec!["c".to_owned()]));
    assert_eq!(origin(&tree, "resources.http.port"), "--set resources.http.port");
    assert_eq!(origin(&tree, "resources.http.host"), "builder");
    assert_eq!(origin(&tree, "resources.http.tls"), "default");
}

#[test]
fn what_is_written_for_one_service_wins_within_its_source_and_not_above_it() {
    let file = || {
        dict(json!({
            "resources": { "http": { "port": 1, "host": "all" } },
            "microservices": {
                "orders": { "resources": { "http": { "port": 2 } } },
                "billing": { "resources": { "http": { "port": 3 } } },
            },
        }))
    };
    assert_eq!(http(vec![file()]).0.unwrap().port, 2);
    assert_eq!(http(vec![file()]).0.unwrap().host, "all");
    assert_eq!(http(vec![file(), cli(["resources.http.port=4"])]).0.unwrap().port, 4);
    let both =
        [("CHASSIS__MICROSERVICES__ORDERS__RESOURCES__HTTP__PORT", "6"), ("CHASSIS__RESOURCES__HTTP__PORT", "5")];
    let (found, tree, _) = http(vec![file(), env(both)]);
    assert_eq!(found.unwrap().port, 6);
    assert_eq!(origin(&tree, "resources.http.port"), "CHASSIS__MICROSERVICES__ORDERS__RESOURCES__HTTP__PORT");
}

#[test]
fn maps_in_the_environment_are_laid_over_maps_of_files() {
    let (found, ..) = http(vec![
        dict(json!({ "resources": { "http": { "tls": { "certificate": "b.pem", "key": "b.key" } } } })),
        env([("CHASSIS__RESOURCES__HTTP__TLS", r#"{"key": "c.key"}"#)]),
    ]);
    let tls = found.unwrap().tls.unwrap();
    assert_eq!((tls.certificate.as_str(), tls.key.as_str()), ("b.pem", "c.key"));
}

#[test]
fn an_empty_section_takes_nothing_away_and_null_takes_a_value_back() {
    let lower = || dict(json!({ "resources": { "http": { "port": 1, "tls": {} } } }));
    let (found, ..) = http(vec![lower(), dict(json!({ "resources": { "http": null } }))]);
    assert_eq!(found.unwrap().port, 1);
    let (found, ..) = http(vec![lower(), dict(json!({ "resources": { "http": { "port": null } } }))]);
    assert_eq!(found.unwrap().port, 8080);
    let (found, ..) = http(vec![lower(), cli(["resources.http.tls=null"])]);
    assert_eq!(found.unwrap().tls, None);
}

#[test]
fn what_a_single_source_says_is_hidden_by_a_value_above_it_and_shared_otherwise() {
    let sources = |between: serde_json::Value| {
        vec![
            dict(json!({ "other": { "low": { "key": 1 }, "all": { "x": 1 } } })),
            dict(json!({ "other": { "all": between } })),
            dict(json!({ "other": { "high": 3, "all": { "z": 3 } } })),
        ]
    };
    let keys = |tree: &Tree, path| tree.section(path).keys().map(str::to_owned).collect::<Vec<_>>();
    let (merged, _) = tree(sources(json!({ "y": 2 })));
    assert_eq!(keys(&merged, "other"), ["all", "high", "low"]);
    assert_eq!(keys(&merged, "other.all"), ["x", "y", "z"]);
    let low = |root: &crate::settings::node::Node| root.at(&KeyPath::lenient("other.low")).cloned();
    let (own, of_source) = (low(&merged.root), low(&merged.layers[0].root));
    assert!(crate::settings::node::is_shared(own.as_ref(), of_source.as_ref()), "nobody else says anything of it");
    for hides in [json!(5), json!([1])] {
        let (merged, _) = tree(sources(hides));
        assert_eq!(keys(&merged, "other.all"), ["z"], "what is below the value is gone with it");
    }
}

#[test]
fn a_value_and_a_map_at_one_place_are_told() {
    let (_, _, problems) =
        http(vec![env([("CHASSIS__RESOURCES__HTTP__TLS", "x"), ("CHASSIS__RESOURCES__HTTP__TLS__KEY", "y")])]);
    assert_eq!(
        told(&problems),
        ["`system.resources.http.tls`: has a value here, and keys below it at CHASSIS__RESOURCES__HTTP__TLS__KEY \
          (at CHASSIS__RESOURCES__HTTP__TLS); take one of them away"]
    );

    let (_, _, problems) = http(vec![cli(["resources.http.tls.key=y", "resources.http.tls=x"])]);
    assert_eq!(problems.len(), 1);

    let (_, _, problems) =
        http(vec![dict(json!({ "resources": { "http": { "tls": { "key": "y" } } } })), cli(["resources.http.tls=x"])]);
    assert_eq!(
        told(&problems),
        ["`system.resources.http.tls`: expected a map written as JSON (expected value at line 1 column 1), \
          found \"x\" (at --set resources.http.tls); it replaces what is set at builder"]
    );

    let (_, _, problems) =
        http(vec![dict(json!({ "resources": { "http": { "port": 1 } } })), cli(["resources.http.port.number=2"])]);
    assert_eq!(
        told(&problems),
        ["`system.resources.http.port`: expected a whole number from 0 to 65535, found a map \
          (at --set resources.http.port.number); it replaces what is set at builder"]
    );
}

#[test]
fn malformed_paths_and_options_are_told() {
    let (_, problems) = tree(vec![
        cli(["resources..http=1", "hunter2", "=x"]),
        env([("CHASSIS__A____B", "1"), ("CHASSIS__", "2"), ("CHASSIS_SETTINGS_FILE", "x")]),
        Box::new(Dict::new().set("a..b", 1).set("", "x")),
    ]);
    let name = "is not the name of a setting: two underscores stand between names, and nowhere else; \
                write it like `CHASSIS__RESOURCES__HTTP__PORT`";
    let path = "is not the path of a setting: a name between two dots is missing";
    let mut expected = vec![
        format!("builder: `a..b` {path}"),
        "builder: settings are a map, not text \"x\"".to_owned(),
        "--set: expected `KEY=VALUE`, found no `=`; write it like `--set resources.http.port=9090`".to_owned(),
        format!("--set : `` {path}; write it like `resources.http.port`"),
        format!("--set resources..http: `resources..http` {path}; write it like `resources.http.port`"),
        format!("CHASSIS__: {name}"),
        format!("CHASSIS__A____B: {name}"),
    ];
    expected.sort();
    let mut found = told(&problems);
    found.sort();
    assert_eq!(found, expected);
}

#[cfg(unix)]
#[test]
fn what_is_not_utf_8_in_the_environment_is_told() {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};

    let bytes = |text: &[u8]| OsString::from_vec(text.to_vec());
    let variables = [
        (bytes(b"CHASSIS__DEPLOY_NAME"), bytes(b"\xff")),
        (bytes(b"CHASSIS__\xff"), bytes(b"x")),
        (bytes(b"OTHER\xff"), bytes(b"x")),
    ];
    let (_, problems) = tree(vec![Box::new(Env::from_variables(variables))]);
    let found = told(&problems);
    assert_eq!(found.len(), 2);
    assert!(found.contains(&"`system.deploy_name`: the value is not UTF-8 (at CHASSIS__DEPLOY_NAME)".to_owned()));
}

#[test]
fn builder_settings_may_name_the_root_and_use_paths() {
    let dict = Dict::from(json!({ "system": { "resources": { "http": { "port": 1 } } } }))
        .set("resources.http", json!({ "host": "x" }))
        .set("system.resources.http.tags", json!(["a"]));
    let (found, ..) = http(vec![Box::new(dict)]);
    let found = found.unwrap();
    assert_eq!((found.port, found.host.as_str(), found.tags.len()), (1, "x", 1));
}

#[test]
fn keys_that_nobody_reads_are_mistakes_warnings_or_somebody_elses() {
    let (tree, mut problems) = tree(vec![dict(json!({
        "deploy_nam": "x",
        "loging": {},
        "something": { "else": 1 },
        "etcd_ready": true,
        "resources": {
            "http": { "debug": true, "hots": 1, "lifecycle": { "start_timeut": 1 } },
            "htp": { "port": 1 },
            "kafka": { "anything": 1 },
            "status": { "restart_policy": { "resorces": {}, "resources": {} } },
        },
        "microservices": {
            "billing": { "anything": 1 },
            "oders": { "page_size": 1 },
            "orders": { "page_siz": 1, "logging": {}, "tasks": { "wrok": {}, "work": {} }, "tsks": {} },
        },
    }))]);
    let declared = [
        Declared::value::<String>("deploy_name", Some(|| "local".to_owned())),
        Declared::of::<()>("logging"),
        Declared::of::<Http>("resources.http"),
        Declared::of::<crate::lifecycle::ResourceLifecycle>("resources.http.lifecycle"),
        Declared::of::<()>("resources.status"),
        Declared::of::<()>("resources.status.restart_policy.resources"),
        Declared::value::<u32>("microservices.orders.page_size", Some(|| 20)),
        Declared::of::<()>("microservices.orders.tasks.work"),
    ];
    tree.check(&declared, false, &mut problems);
    let own = "known here: ";
    assert_eq!(
        told(&problems).iter().map(|problem| problem.split("; known").next().unwrap()).collect::<Vec<_>>(),
        [
            "`system.microservices.orders.page_siz`: unknown key (at builder); did you mean `page_size`?",
            "`system.microservices.orders.tasks.wrok`: unknown key (at builder); did you mean `work`?",
            "`system.microservices.orders.tsks`: unknown key (at builder); did you mean `tasks`?",
            "`system.resources.http.hots`: unknown key (at builder); did you mean `host`?",
            "`system.resources.http.lifecycle.start_timeut`: unknown key (at builder); did you mean `start_timeout`?",
            "`system.resources.status.restart_policy.resorces`: unknown key (at builder); did you mean `resources`?",
        ],
        "{own}"
    );
    let warnings: Vec<String> = problems.warnings().map(ToString::to_string).collect();
    let unread = "is a section that this service does not read (at builder)";
    let warning = format!("{unread}; did you mean");
    assert_eq!(
        warnings,
        [
            format!("`system.deploy_nam`: {warning} `deploy_name`?"),
            format!("`system.loging`: {warning} `logging`?"),
            format!("`system.microservices.oders`: {warning} `orders`?"),
            format!("`system.resources.htp`: {warning} `http`?"),
            format!("`system.something`: {unread}"),
        ]
    );
    assert_eq!(problems.notices().count(), 2, "{:?}", problems.notices().collect::<Vec<_>>());

    let mut problems = Problems::new();
    tree.check(&declared, true, &mut problems);
    assert!(!told(&problems).iter().any(|problem| problem.contains("microservices.orders.page_siz")));
}

fn sections() -> [Declared; 3] {
    [
        Declared::of::<Http>("resources.http"),
        Declared::of::<crate::lifecycle::ResourceLifecycle>("resources.http.lifecycle"),
        Declared::value::<u32>("microservices.orders.page_size", Some(|| 20)),
    ]
}

#[test]
fn sections_may_be_written_as_json_at_any_height() {
    let read = |sources: Vec<Box<dyn Source>>| {
        let mut problems = Problems::new();
        let tree = Tree::merge_declared(&sources, "orders", &sections(), &mut problems);
        tree.check(&sections(), false, &mut problems);
        assert_eq!(told(&problems), Vec::<String>::new());
        let http: Http = tree.section("resources.http").read(&[], &mut problems).unwrap();
        let lifecycle = tree.section("resources.http.lifecycle");
        let lifecycle: crate::lifecycle::ResourceLifecycle = lifecycle.read(&[], &mut problems).unwrap();
        (http.port, http.host, lifecycle.start_retries.get())
    };
    let whole = r#"{"http": {"port": 9, "lifecycle": {"start_retries": 7}}}"#;
    assert_eq!(read(vec![env([("CHASSIS__RESOURCES", whole)])]), (9, "localhost".to_owned(), 7));
    assert_eq!(
        read(vec![env([("CHASSIS__RESOURCES", whole)]), cli(["resources.http.host=one"])]),
        (9, "one".to_owned(), 7)
    );
    let own = r#"{"resources": {"http": {"lifecycle": {"start_retries": 8}}}}"#;
    assert_eq!(
        read(vec![env([("CHASSIS__RESOURCES", whole), ("CHASSIS__MICROSERVICES__ORDERS", own)])]),
        (9, "localhost".to_owned(), 8)
    );
    assert_eq!(
        read(vec![cli([r#"resources.http={"lifecycle": {"start_retries": 3}}"#])]),
        (8080, "localhost".to_owned(), 3)
    );
}

#[test]
fn what_is_no_map_where_sections_are_is_told() {
    let tell = |source: Box<dyn Source>| {
        let mut problems = Problems::new();
        let tree = Tree::merge_declared(&[source], "orders", &sections(), &mut problems);
        tree.check(&sections(), true, &mut problems);
        told(&problems)
    };
    let hidden = "expected a map, found a value that is not shown here";
    assert_eq!(
        tell(dict(json!({ "resources": [{ "http": {} }], "microservices": 5 }))),
        [
            format!("`system.microservices`: {hidden} (at builder)"),
            "`system.resources`: expected a map, found a list (at builder)".to_owned(),
        ]
    );
    assert_eq!(
        tell(dict(json!({ "microservices": { "orders": { "tasks": "x" } }, "resources": null }))),
        [format!("`system.microservices.orders.tasks`: {hidden} (at builder)")]
    );
    assert_eq!(
        tell(env([("CHASSIS__MICROSERVICES__ORDERS", "{\"page_size\": 7")])),
        [format!("`system.microservices.orders`: {hidden} (at CHASSIS__MICROSERVICES__ORDERS)")]
    );
}
