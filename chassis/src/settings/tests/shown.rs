//! What is shown of settings: effective values, schema, sample; and that a secret is in none of them.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value as Json;

use super::*;

/// Where orders are.
#[allow(dead_code, reason = "what is read is shown")]
#[derive(Debug, Clone, SettingsSchema)]
struct Database {
    /// The host.
    #[setting(default = "localhost", alias = "address")]
    host: String,
    #[setting(default = 5432, range = 1..=65535)]
    port: u16,
    /// Who asks.
    user: String,
    /// Known to the two of us.
    password: Secret<String>,
    #[setting(default = "hunter1")]
    fallback: Secret<String>,
    pin: Option<Secret<u32>>,
    #[setting(default)]
    tokens: Vec<Secret<String>>,
    #[setting(default)]
    keys: BTreeMap<String, Secret<String>>,
    #[setting(default = "30s")]
    timeout: std::time::Duration,
    pool: Pool,
    tls: Option<Tls>,
    /// Who may ask.
    peer: Option<std::net::IpAddr>,
    live: Setting<Secret<String>>,
}

#[allow(dead_code, reason = "what is read is shown")]
#[derive(Debug, Clone, SettingsSchema)]
struct Pool {
    #[setting(default = 10)]
    size: u32,
    #[setting(default = Kind::Lazy)]
    kind: Kind,
}

#[derive(Debug, Clone, Copy, SettingsSchema)]
enum Kind {
    /// As late as possible.
    Lazy,
    /// At once.
    Eager,
}

#[allow(dead_code, reason = "what is read is shown")]
#[derive(Debug, Clone, SettingsSchema)]
struct Tls {
    /// Its certificate.
    certificate: String,
    key: Secret<String>,
}

fn declared() -> [Declared; 3] {
    [
        Declared::of::<Database>("resources.db").owner("resource `db`"),
        Declared::of::<crate::lifecycle::ResourceLifecycle>("resources.db.lifecycle").owner("resource `db`"),
        Declared::value::<Setting<u32>>("microservices.orders.page_size", Some(|| Setting::fixed(20)))
            .about("How many."),
    ]
}

const SECRET: &str = "hunter2";

fn sources() -> Vec<Box<dyn Source>> {
    vec![
        dict(json!({ "resources": { "db": {
            "address": "db.example", "user": "me", "password": SECRET, "tokens": ["hunter2a"], "keys": { "a": SECRET },
            "tls": { "certificate": "a.pem", "key": SECRET }, "live": SECRET, "pin": 271_828_182,
        } } })),
        env([("CHASSIS__RESOURCES__DB__TOKENS", r#"["hunter2b"]"#), ("CHASSIS__RESOURCES__DB__POOL__SIZE", "3")]),
        cli(["microservices.orders.api_token=hunter2", "microservices.orders.color=red"]),
    ]
}

#[track_caller]
fn assert_no_secret(text: &str) {
    assert!(!text.contains("hunter") && !text.contains("271828182"), "{text}");
}

#[test]
fn effective_values_have_their_origins_and_no_secrets() {
    let (tree, mut problems) = tree(sources());
    tree.check(&declared(), true, &mut problems);
    assert_eq!(told(&problems), Vec::<String>::new());
    let effective = tree.effective_json(&declared());
    let of = |key: &str| {
        let entry = &effective[format!("system.{key}")];
        (entry["value"].clone(), entry["origin"].as_str().unwrap_or_default().to_owned())
    };
    let masked = || json!("***");
    assert_eq!(of("resources.db.host"), (json!("db.example"), "builder".to_owned()));
    assert_eq!(of("resources.db.port"), (json!(5432), "default".to_owned()));
    assert_eq!(of("resources.db.timeout"), (json!("30s"), "default".to_owned()));
    assert_eq!(of("resources.db.password"), (masked(), "builder".to_owned()));
    assert_eq!(of("resources.db.fallback"), (masked(), "default".to_owned()));
    assert_eq!(of("resources.db.pin"), (masked(), "builder".to_owned()));
    assert_eq!(of("resources.db.tokens"), (json!(["***"]), "CHASSIS__RESOURCES__DB__TOKENS".to_owned()));
    assert_eq!(of("resources.db.keys"), (json!({ "a": "***" }), "builder".to_owned()));
    assert_eq!(of("resources.db.pool.size"), (json!(3), "CHASSIS__RESOURCES__DB__POOL__SIZE".to_owned()));
    assert_eq!(of("resources.db.pool.kind"), (json!("lazy"), "default".to_owned()));
    assert_eq!(of("resources.db.tls.certificate"), (json!("a.pem"), "builder".to_owned()));
    assert_eq!(of("resources.db.tls.key"), (masked(), "builder".to_owned()));
    assert_eq!(of("resources.db.live"), (masked(), "builder".to_owned()));
    assert_eq!(of("resources.db.lifecycle.start_timeout"), (json!("10s"), "default".to_owned()));
    assert_eq!(of("microservices.orders.page_size"), (json!(20), "default".to_owned()));
    assert_eq!(of("microservices.orders.api_token"), (masked(), "--set microservices.orders.api_token".to_owned()));
    assert_eq!(of("microservices.orders.color"), (json!("red"), "--set microservices.orders.color".to_owned()));
    assert_no_secret(&effective.to_string());
}

#[test]
fn a_secret_is_in_no_debug_display_report_schema_or_sample() {
    let (tree, mut problems) = tree(sources());
    let database: Database = tree.section("resources.db").read(&[], &mut problems).unwrap();
    assert_eq!(database.password.expose(), SECRET);
    assert_eq!(database.tokens[0].expose(), "hunter2b");
    assert_no_secret(&format!("{database:?} {tree:?} {:?}", tree.section("resources.db")));
    assert_no_secret(&format!("{} {}", database.password, serde_json::to_string(&database.password).unwrap()));
    assert_no_secret(&schema(&declared(), "orders").to_string());
    assert_no_secret(&schemars::schema_for!(Database).to_value().to_string());
    assert_no_secret(&sample(&declared(), "orders"));
    assert_no_secret(&format!(
        "{:?} {:?} {:?}",
        dict(json!({ "a": SECRET })).load(&mut problems),
        Dict::new().set("a", SECRET),
        Cli::new(["a=hunter2"])
    ));
    let settings = Settings::new(tree, declared().to_vec(), false);
    assert_no_secret(&format!("{settings:?} {:?}", settings.view("resources")));
}

#[test]
fn no_mistake_shows_a_secret() {
    let mistakes: [Vec<Box<dyn Source>>; 5] = [
        vec![dict(json!({ "resources": { "db": {
            "password": ["hunter2"], "pin": SECRET, "tokens": SECRET, "keys": [SECRET], "live": { "a": SECRET },
            "tls": { "key": [SECRET] }, "user": "me",
        } } }))],
        vec![dict(json!({ "resources": { "db": "hunter2" } }))],
        vec![env([("CHASSIS__RESOURCES__DB", "{\"password\": \"hunter2"), ("CHASSIS__RESOURCES__DB2", "x")])],
        vec![env([
            ("CHASSIS__RESOURCES__DB__PIN", SECRET),
            ("CHASSIS__RESOURCES__DB__TOKENS", "[\"hunter2"),
            ("CHASSIS__RESOURCES__DB__KEYS", "hunter2"),
            ("CHASSIS__RESOURCES__DB__TLS", "hunter2"),
        ])],
        vec![cli(["resources.db.keys={\"a\": [\"hunter2\"]}", "resources.db.pin=[271828182]", "hunter2"])],
    ];
    for sources in mistakes {
        let (tree, mut problems) = tree(sources);
        tree.check(&declared(), false, &mut problems);
        assert!(!problems.is_empty());
        assert_no_secret(&format!("{problems} {problems:?} {:?}", told(&problems)));
        let error = problems.into_result().unwrap_err();
        assert_no_secret(&format!("{error} {error:#} {error:?}"));
        assert_no_secret(&tree.effective_json(&declared()).to_string());
    }
}

#[test]
fn the_schema_describes_every_key() {
    let schema = schema(&declared(), "orders");
    let system = &schema["properties"]["system"];
    assert_eq!(schema["required"], json!(["system"]));
    let database = &system["properties"]["resources"]["properties"]["db"];
    assert_eq!(database["required"], json!(["user", "password", "live"]));
    assert_eq!(database["additionalProperties"], json!(false));
    assert_eq!(database["description"], json!("Where orders are."));
    let of = |name: &str| &database["properties"][name];
    let port = json!({ "type": ["integer", "null"], "minimum": 1, "maximum": 65535, "default": 5432 });
    assert_eq!(*of("port"), port);
    assert_eq!(of("address")["deprecated"], json!(true));
    assert_eq!(
        *of("password"),
        json!({
            "type": ["string", "number", "boolean"], "writeOnly": true, "description": "Known to the two of us."
        })
    );
    assert_eq!(of("live")["x-live"], json!(true));
    assert_eq!(of("tls")["required"], json!(["certificate", "key"]));
    assert_eq!(
        of("pool")["properties"]["kind"]["oneOf"][0],
        json!({
            "const": "lazy", "description": "As late as possible."
        })
    );
    assert_eq!(of("lifecycle")["properties"]["start_timeout"]["default"], json!("10s"));
    let own = &system["properties"]["microservices"]["properties"]["orders"]["properties"];
    assert_eq!(own["page_size"]["default"], json!(20));
    assert_eq!(own["resources"]["properties"]["db"]["required"], Json::Null);
}

#[allow(dead_code, reason = "what is read is shown")]
#[derive(Debug, Clone, SettingsSchema)]
#[settings(default)]
struct Nested {
    pool: Pool,
    tls: Option<Tls>,
    #[setting(default = Pool { size: 30, kind: Kind::Eager })]
    spare: Pool,
}

impl Default for Nested {
    fn default() -> Self {
        Self { pool: Pool { size: 20, kind: Kind::Lazy }, tls: None, spare: Pool { size: 1, kind: Kind::Lazy } }
    }
}

#[test]
fn a_default_of_a_whole_struct_is_shown_as_that_of_its_fields() {
    let declared = [Declared::of::<Nested>("resources.db")];
    let (tree, _) = tree(vec![cli(["resources.db.pool.kind=eager"])]);
    let effective = tree.effective(&declared).into_iter();
    let effective: Vec<String> = effective.map(|it| format!("{} = {} # {}", it.key, it.value, it.origin)).collect();
    assert_eq!(
        effective,
        [
            "system.resources.db.pool.kind = \"eager\" # --set resources.db.pool.kind",
            "system.resources.db.pool.size = 10 # default",
            "system.resources.db.spare.kind = \"eager\" # default",
            "system.resources.db.spare.size = 30 # default",
            "system.resources.db.tls = null # default",
        ]
    );
    let sample = sample(&declared, "orders");
    for line in ["#size: 20\n", "#size: 30\n", "#kind: eager\n", "      #tls:\n", "        #certificate: change me\n"] {
        assert!(sample.contains(line), "{line}\n{sample}");
    }
    let schema = schema(&declared, "orders");
    let database = &schema["properties"]["system"]["properties"]["resources"]["properties"]["db"]["properties"];
    assert_eq!(database["spare"]["properties"]["size"]["default"], json!(30));
    assert_eq!(database["tls"]["additionalProperties"], json!(false));
}

#[allow(dead_code, reason = "what is read is shown")]
#[derive(Debug, Clone, Default, SettingsSchema)]
struct Worker {
    /// How many at a time.
    #[setting(range = 1..=9)]
    most: Option<u32>,
    /// How long it rests.
    #[setting(default = Duration::from_secs(3))]
    rest: Duration,
    /// Who it is.
    name: String,
}

#[allow(dead_code, reason = "what is read is shown")]
#[derive(Debug, SettingsSchema)]
struct Workers {
    /// Each by its name.
    workers: BTreeMap<String, Worker>,
}

#[test]
fn a_field_of_an_entry_is_explained_by_itself() {
    let declared = [Declared::of::<Workers>("resources.desk")];
    let (tree, _) = tree(vec![cli(["resources.desk.workers.a.name=b"])]);
    let explained = |key: &str| {
        let path = KeyPath::lenient(&format!("resources.desk.workers.{key}"));
        tree.explain(&declared, &path).unwrap().to_json()
    };
    let fact = |key: &str, fact: &str| explained(key)[fact].clone();
    assert_eq!(fact("a.most", "about"), "How many at a time.");
    assert_eq!(fact("a.most", "is_required"), false);
    assert!(fact("a.most", "accepts").as_str().unwrap().contains("from 1 to 9"), "{}", explained("a.most"));
    assert_eq!((fact("a.rest", "default"), fact("a.rest", "is_required")), (json!("3s"), json!(false)));
    assert_eq!((fact("a.name", "value"), fact("a.name", "is_required")), (json!("b"), json!(true)));
    assert_eq!((fact("a", "about"), fact("a", "is_required")), (json!("Each by its name."), json!(false)));
}

#[cfg(feature = "yaml")]
mod samples {
    use super::*;
    use crate::settings::source::parse_text;

    #[track_caller]
    fn check_sample(text: &str) -> Tree {
        struct Text(String);
        impl Source for Text {
            fn name(&self) -> String {
                "sample.yml".to_owned()
            }

            fn load(&self, problems: &mut Problems) -> Layer {
                parse_text("sample.yml", &self.0, problems)
            }
        }
        let (tree, mut problems) = tree(vec![Box::new(Text(text.to_owned()))]);
        tree.check(&declared(), false, &mut problems);
        assert!(problems.is_empty(), "{problems}\n{text}");
        tree
    }

    #[test]
    fn the_sample_loads_and_so_does_every_default_in_it() {
        let sample = sample(&declared(), "orders");
        let tree = check_sample(&sample);
        let database: Database = tree.section("resources.db").read(&[], &mut Problems::new()).unwrap();
        assert_eq!((database.port, database.tls.is_none()), (5432, true));

        let uncommented: Vec<String> = sample
            .lines()
            .map(|line| match line.trim_start().strip_prefix('#') {
                Some(setting) if !setting.starts_with(' ') && !setting.is_empty() => line.replacen('#', "", 1),
                _ => line.to_owned(),
            })
            .collect();
        let tree = check_sample(&uncommented.join("\n"));
        let database: Database = tree.section("resources.db").read(&[], &mut Problems::new()).unwrap();
        assert_eq!(database.timeout, std::time::Duration::from_secs(30));
        assert_eq!(database.tls.unwrap().certificate, "change me");
        assert_eq!(
            (database.peer, database.pin.is_none(), database.fallback.expose().as_str()),
            (None, true, "hunter1")
        );
        assert_eq!(tree.section("resources.db.port").origin().to_string().split(':').next(), Some("sample.yml"));
    }

    #[test]
    fn the_sample_says_what_is_required_and_what_may_be_written() {
        let sample = sample(&declared(), "orders");
        for line in [
            "      # Who may ask.\n      # An IP address, such as `127.0.0.1`. Optional.\n      #peer: null\n",
            "      # Text; a secret, better given in the environment.\n      #fallback: null\n",
            "      # Who asks.\n      # REQUIRED.\n      user: change me\n",
            "        # Its certificate.\n        # REQUIRED.\n        #certificate: change me\n",
            "      # A whole number from 1 to 65535.\n      #port: 5432\n",
            "    # Where orders are.\n    # Read by resource `db`.\n    db:\n",
            "        # One of\n        # - `lazy`: As late as possible\n        # - `eager`: At once.\n        #kind: lazy\n",
            "      # How many.\n      # A whole number, 0 or more; followed while the service runs.\n      #page_size: 20\n",
        ] {
            assert!(sample.contains(line), "{line}\n{sample}");
        }
    }
}
