//! Wrong settings: one report of everything, each with its place and the way out, quickly.
#![allow(clippy::unwrap_used, dead_code, reason = "a test")]

use std::{fs, path::Path, time::Duration};

use chassis::settings::{
    ByteSize, Cli, Declared, Env, File, Problems, Secret, Serde, Setting, SettingsSchema, Source, Tree,
};

/// Where orders are kept.
#[derive(Debug, SettingsSchema)]
struct Database {
    host: String,
    #[setting(default = 5432, range = 1..=65535)]
    port: u16,
    password: Secret<String>,
    #[setting(default = "10s", min = "100ms")]
    timeout: Duration,
    #[setting(default = "1MiB")]
    buffer: ByteSize,
    #[setting(default)]
    tags: Vec<String>,
    #[setting(default = Durability::Safe)]
    durability: Durability,
    #[setting(default = 10)]
    pool: Setting<u32>,
    tls: Option<Tls>,
}

#[derive(Debug, Clone, Copy, SettingsSchema)]
#[settings(rename_all = "kebab-case")]
enum Durability {
    Safe,
    VeryFast,
}

#[derive(Debug, SettingsSchema)]
#[settings(check = Tls::check)]
struct Tls {
    certificate: Option<String>,
    authority: Option<String>,
}

impl Tls {
    fn check(&self) -> Result<(), &'static str> {
        match (&self.certificate, &self.authority) {
            (None, None) => Err("needs a `certificate`, an `authority`, or both"),
            _ => Ok(()),
        }
    }
}

fn declared() -> Vec<Declared> {
    vec![
        Declared::value::<String>("deploy_name", Some(|| "local".to_owned())),
        Declared::of::<Database>("resources.db").owner("resource `db`"),
        Declared::of::<Database>("resources.archive").owner("resource `archive`"),
        Declared::value::<u32>("microservices.orders.page_size", Some(|| 20)),
    ]
}

fn report(sources: &[Box<dyn Source>]) -> Problems {
    let mut problems = Problems::new();
    let tree = Tree::merge(sources, "orders", &mut problems);
    tree.check(&declared(), false, &mut problems);
    problems
}

fn file(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> Box<dyn Source> {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    Box::new(File::new(path))
}

#[test]
fn a_start_with_many_mistakes_gets_one_report_with_every_place() {
    let folder = tempfile::tempdir().unwrap();
    let yaml = "\
system:
  resources:
    db:
      host: [one, two]
      port: 8o80
      pasword: hunter2
      timeout: 10ms
      durability: very-fats
      tls: {}
    archive: &archive
      host: here
      password: *secret
  microservices:
    orders:
      page_sise: 30
      resources:
        db:
          pool: lots
";
    let toml = "[system.resources.archive]\nhost = \"there\"\nbuffer = \"10 crates\"\ntags = \"one\"\n";
    let json = "{\"system\": {\"resources\": {\"archive\": {\"port\": 70000}}}}";
    let problems = report(&[
        file(folder.path(), "settings.yml", yaml.replace("&archive", "").replace("*secret", "{}")),
        file(folder.path(), "more.toml", toml),
        file(folder.path(), "most.json", json),
        Box::new(Env::from_variables([("CHASSIS__RESOURCES__ARCHIVE__TIMEOUT", "soon"), ("CHASSIS__X____Y", "1")])),
        Box::new(Cli::new(["microservices.orders.page_size=many", "resources.archive.tls=off"])),
    ]);
    let report = problems.to_string().replace(&format!("{}/", folder.path().display()), "");
    let expected = "\
settings: 17 problems
 1. CHASSIS__X____Y: is not the name of a setting: two underscores stand between names, and nowhere else
      write it like `CHASSIS__RESOURCES__HTTP__PORT`
 2. `system.microservices.orders.page_sise`: unknown key
      at settings.yml:15:7
      did you mean `page_size`?
 3. `system.microservices.orders.page_size`: expected a whole number, 0 or more, found \"many\"
      at --set microservices.orders.page_size
 4. `system.resources.archive.buffer`: expected an amount of bytes, such as `64KiB`, `10MB` or a number, found text \"10 crates\"
      at more.toml:3:10
 5. `system.resources.archive.password`: expected text, found a map
      at settings.yml:12:17
 6. `system.resources.archive.port`: expected a whole number from 1 to 65535, found 70000
      at most.json:1:47
 7. `system.resources.archive.tags`: expected a list, found text \"one\"
      at more.toml:4:8
 8. `system.resources.archive.timeout`: expected a duration of 100ms or more, such as `500ms`, `10s` or a number of seconds, found \"soon\"
      at CHASSIS__RESOURCES__ARCHIVE__TIMEOUT
 9. `system.resources.archive.tls`: expected a map written as JSON (expected value at line 1 column 1), found \"off\"
      at --set resources.archive.tls
10. `system.resources.db.durability`: expected one of `safe`, `very-fast`, found text \"very-fats\"
      at settings.yml:8:19
      did you mean `very-fast`?
11. `system.resources.db.host`: expected text, found a list
      at settings.yml:4:13
12. `system.resources.db.password`: required, but not set
      set it in a settings file, as `CHASSIS__RESOURCES__DB__PASSWORD` in the environment or with `--set resources.db.password=…`
      its section is at settings.yml:3:5
13. `system.resources.db.pasword`: unknown key
      at settings.yml:6:7
      did you mean `password`?
14. `system.resources.db.pool`: expected a whole number, 0 or more, found text \"lots\"
      at settings.yml:18:17
15. `system.resources.db.port`: expected a whole number from 1 to 65535, found text \"8o80\"
      at settings.yml:5:13
16. `system.resources.db.timeout`: expected a duration of 100ms or more, such as `500ms`, `10s` or a number of seconds, found text \"10ms\"
      at settings.yml:7:16
17. `system.resources.db.tls`: needs a `certificate`, an `authority`, or both
      at settings.yml:9:12";
    assert_eq!(report, expected);
    assert!(!format!("{problems:?}").contains("hunter2"));
    let error = problems.into_result().unwrap_err();
    assert_eq!(error.cause().exit_code(), 78);
}

#[test]
fn what_a_broken_file_may_hold_is_not_said_to_be_missing() {
    let folder = tempfile::tempdir().unwrap();
    let problems = report(&[file(
        folder.path(),
        "settings.yml",
        "system:\n  resources:\n    db:\n      port: none\n      host: [a\n    archive:\n",
    )]);
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("settings.yml:6:12: not YAML"), "{told:?}");
    assert!(told[2].starts_with("`system.resources.db.port`"), "{told:?}");
}

#[test]
fn files_that_cannot_be_read_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("folder.yml")).unwrap();
    let at = |name: &str| -> Box<dyn Source> { Box::new(File::new(folder.path().join(name))) };
    let problems = report(&[
        at("missing.yml"),
        at("folder.yml"),
        file(folder.path(), "settings.ini", "x"),
        file(folder.path(), "latin.toml", b"[system]\ndeploy_name = \"caf\xe9\"\n"),
        file(folder.path(), "large.json", vec![b' '; (4 << 20) + 1]),
        file(folder.path(), "scalar.yml", "just text"),
        file(folder.path(), "list.yml", "system: [1]"),
        file(folder.path(), "typo.yml", "sytem:\n  deploy_name: x\n"),
        file(folder.path(), "rootless.yml", "resources: {}\nx-own: 1\n"),
        file(folder.path(), "other.yml", "services: {}\n"),
        file(folder.path(), "empty.yml", ""),
        file(folder.path(), "bom.json", "\u{feff}{\"system\": {}}"),
    ]);
    let told: Vec<String> = problems
        .iter()
        .map(|problem| problem.to_string().replace(&format!("{}/", folder.path().display()), ""))
        .collect();
    let mut expected = vec![
        "missing.yml: this settings file cannot be read: there is no such file; is the path right?",
        "folder.yml: this settings file cannot be read: it is a folder; is the path right?",
        "settings.ini: the ending of its name does not say the format of this settings file; call it `.yml`, `.yaml`, `.toml` or `.json`",
        "latin.toml:2:19: not UTF-8 from here on; save the file as UTF-8",
        "large.json: this settings file cannot be read: it is larger than 4 MiB; is the path right?",
        "scalar.yml:1:1: a settings file is a map; everything stands below the key `system`",
        "`system`: expected a map, found a list (at list.yml:1:9)",
        "typo.yml:1:1: `sytem` has no meaning at the top of a settings file; did you mean `system`?",
        "rootless.yml:1:1: `resources` has no meaning at the top of a settings file; put it below `system:`",
        "other.yml: the file has no key `system`, so nothing in it is read; put the settings below `system:`",
    ];
    expected.sort_unstable();
    let mut told = told;
    told.sort();
    assert_eq!(told, expected);
}

#[test]
fn a_value_in_the_place_of_the_root_is_told_and_what_nobody_reads_there_is_warned_of() {
    let problems = report(&[
        Box::new(Cli::new(["system=5", "foo.bar=1", "loging.profile=DEVELOP"])),
        Box::new(Env::from_variables([("CHASSIS__SYSTEM", "hunter2")])),
    ]);
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let expected = "`system`: expected a map of sections, found a value that is not shown here";
    let help = "set one of its keys: `resources.http.port`";
    for origin in ["--set system", "CHASSIS__SYSTEM"] {
        assert!(told.contains(&format!("{expected} (at {origin}); {help}")), "{told:#?}");
    }
    let warnings: Vec<String> = problems.warnings().map(ToString::to_string).collect();
    let foreign = "`system.foo`: is a section that this service does not read (at --set foo.bar)";
    assert!(warnings.iter().any(|warning| warning == foreign), "{warnings:#?}");
    assert_eq!(warnings.len(), 2, "{warnings:#?}");

    let problems = report(&[Box::new(Cli::new([r#"system={"resources": {"db": {"prot": 1}}}"#]))]);
    assert!(problems.to_string().contains("`system.resources.db.prot`: unknown key"), "{problems}");
}

#[test]
fn what_stands_beside_the_root_of_a_file_is_warned_of_unless_it_is_the_files_own() {
    let folder = tempfile::tempdir().unwrap();
    let text = "x-own: &own {deploy_name: x}\nsystem:\n  <<: *own\n  other: {a: 1}\nsecurity: 1\nloggin: {}\n";
    let problems = report(&[file(folder.path(), "shared.yml", text)]);
    let told: Vec<String> = problems
        .warnings()
        .map(|warning| warning.to_string().replace(&format!("{}/", folder.path().display()), ""))
        .collect();
    let top = "at the top of a settings file is not read";
    assert_eq!(
        told,
        [
            format!(
                "shared.yml:5:1: `security` {top}; settings stand below `system:`; what is kept for anchors is called `x-…`"
            ),
            format!("shared.yml:6:1: `loggin` {top}; did you mean `logging`, below `system:`?"),
            "`system.other`: is a section that this service does not read (at shared.yml:4:3)".to_owned(),
        ]
    );
}

#[test]
fn what_an_editor_puts_at_the_top_of_a_file_is_not_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("a.json", r#"{"$schema": "./orders.schema.json", "system": {"deploy_name": "x"}}"#),
        ("a.yml", "$schema: ./orders.schema.json\nsystem: {deploy_name: x}\n"),
        ("a.toml", "'$schema' = './orders.schema.json'\n[system]\ndeploy_name = 'x'\n"),
    ] {
        let problems = report(&[file(folder.path(), name, text)]);
        assert!(problems.warnings().next().is_none(), "{name}: {:?}", problems.warnings().collect::<Vec<_>>());
    }
}

/// A file as an older framework's services have it, unchanged.
const TAMARCO: &str = "\
system:
  deploy_name: alpha_1
  etcd_ready: true
  logging:
    profile: DEVELOP
    file: false
    stdout: true
    file_path: /var/log/orders.log
    version: 0
    logstash: {enabled: true, host: 127.0.0.1, port: 5044, fqdn: false}
    redis: {enabled: false, host: 127.0.0.1, port: 7006, password: my_password, ssl: false}
    http: {enabled: false, url: 'http://127.0.0.1', user: user, password: x, max_time_seconds: 15, max_records: 100}
  microservices:
    orders:
      logging:
        profile: PRODUCTION
  resources:
    metrics:
      collect_frequency: 15
      handlers:
        file: {enabled: true, path: /tmp/metrics}
        carbon: {enabled: true, host: 127.0.0.1, port: 2003}
        prometheus: {enabled: true}
        stdout: {enabled: false}
    status:
      restart_policy:
        resources:
          restart_microservice_on_failure: [redis]
          restart_resource_on_failure: [kafka]
    profiler:
      microservices_with_profiler: []
    registry:
      enabled: false
      path: /microservices
    kafka: {bootstrap_servers: '127.0.0.1:9092'}
    amqp: {host: 127.0.0.1, port: 5672, vhost: /, user: microservice, password: x, connection_timeout: 10, queues_prefix: p}
    tamarco_http_report_server: {host: 127.0.0.1, port: 5747}
";

#[test]
fn a_file_of_an_older_framework_is_accepted_and_noticed_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut problems = Problems::new();
    let tree = Tree::merge(&[file(folder.path(), "tamarco.yml", TAMARCO)], "orders", &mut problems);
    let declared = [
        Declared::value::<String>("deploy_name", Some(|| "local".to_owned())),
        Declared::of::<chassis::logging::LoggingSettings>("logging"),
        Declared::of::<chassis::metrics::MetricsSettings>("resources.metrics"),
    ];
    tree.check(&declared, false, &mut problems);
    assert!(problems.is_empty(), "{problems}");
    assert_eq!(problems.warnings().count(), 0);
    let noticed: Vec<&str> = problems.notices().collect();
    assert!(noticed.iter().any(|notice| notice.starts_with("`system.etcd_ready`")), "{noticed:?}");
    assert!(noticed.iter().any(|notice| notice.starts_with("`system.logging.file`")), "{noticed:?}");
}

#[derive(Debug, SettingsSchema)]
struct Wide {
    map: std::collections::BTreeMap<String, u32>,
    list: Vec<Tls>,
    free: Serde<serde_json::Value>,
}

#[test]
fn thousands_of_keys_and_mistakes_are_told_well_within_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let mut yaml = "system:\n  resources:\n    wide:\n      free: {}\n      map:\n".to_owned();
    (0..2_000).for_each(|key| yaml.push_str(&format!("        key_{key}: {}\n", if key % 2 == 0 { "1" } else { "x" })));
    yaml.push_str("      list:\n");
    (0..1_000).for_each(|key| yaml.push_str(&format!("        - {{certificat_{key}: a}}\n")));
    let sources = [file(folder.path(), "wide.yml", yaml)];
    let begin = std::time::Instant::now();
    let mut problems = Problems::new();
    let tree = Tree::merge(&sources, "orders", &mut problems);
    tree.check(&[Declared::of::<Wide>("resources.wide")], false, &mut problems);
    let report = problems.to_string();
    let took = begin.elapsed();
    assert_eq!(problems.len(), 3_000);
    assert!(report.lines().count() > 6_000);
    assert!(took < Duration::from_secs(1), "{took:?}");
}
