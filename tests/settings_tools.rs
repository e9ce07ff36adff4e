//! The tools for settings on a service's command line: one key explained, two places compared.

use std::{fs, path::Path};

use chassis_tests::{Exit, Program};

fn lab(arguments: &[&str]) -> Program {
    arguments.iter().fold(Program::at(Path::new(env!("CARGO_BIN_EXE_lab"))).arg("settings"), Program::arg)
}

#[track_caller]
fn has(exit: &Exit, lines: &[&str]) {
    for line in lines {
        assert!(exit.stdout.lines().any(|one| one == *line), "`{line}` is not in\n{}{}", exit.stdout, exit.stderr);
    }
}

const FILE: &str = "\
system:
  resources:
    store:
      start: crash
      lifecycle: {start_timeout: 3s}
  logging:
    levels: {a: debug}
  microservices:
    lab:
      resources:
        store:
          start: panic
      task: hang
      password: hunter1
";

#[test]
fn a_key_is_explained_with_everybody_who_says_something_about_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.yml");
    fs::write(&file, FILE).unwrap();
    let file = file.display().to_string();
    let explain = |key: &str| {
        lab(&["explain", key, "--settings", &file])
            .env("CHASSIS__RESOURCES__STORE__START", "hang")
            .env("CHASSIS__LOGGING__LEVELS", "{\"b\": \"info\"}")
            .set("resources.store.start", "none")
    };
    let exit = explain("resources.store.start").run();
    println!("{}", exit.stdout);
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""));
    let width = format!("{file}:12:18 (for this service)").len();
    has(
        &exit,
        &[
            "system.resources.store.start: \"none\"",
            "  read by   resource `store`",
            "  default   none",
            "  changes   by a restart of resource `store`, which the change brings about",
            "  variable  CHASSIS__RESOURCES__STORE__START",
            &format!("    {:<width$}  \"none\"", "default"),
            &format!("    {:<width$}  \"crash\"", format!("{file}:4:14")),
            &format!("    {file}:12:18 (for this service)  \"panic\""),
            &format!("    {:<width$}  \"hang\"", "CHASSIS__RESOURCES__STORE__START"),
            &format!("  > {:<width$}  \"none\"", "--set resources.store.start"),
        ],
    );

    // The place that overrides it is the same key.
    let own = explain("system.microservices.lab.resources.store.start").run();
    assert_eq!(own.stdout, exit.stdout);

    let json: serde_json::Value =
        serde_json::from_str(&explain("resources.store.start").arg("--json").run().stdout).unwrap();
    assert_eq!(
        (&json["value"], &json["change"], &json["restarts"]),
        (&"none".into(), &"restart".into(), &"store".into())
    );
    assert_eq!(json["said"].as_array().map(Vec::len), Some(4));
    assert_eq!(json["said"][1]["for_this_service"], true);

    // What is laid over each other is in force together.
    let exit = explain("logging.levels").run();
    has(
        &exit,
        &[
            "system.logging.levels: {\"a\":\"debug\",\"b\":\"info\"}",
            "  changes   live: followed while the service runs",
        ],
    );
    assert_eq!(exit.stdout.matches("\n  > ").count(), 2, "{}", exit.stdout);
    let exit = explain("logging.levels.a").run();
    has(&exit, &["system.logging.levels.a: \"debug\"", "  read by   logging"]);

    let exit = explain("microservices.lab.task").run();
    has(&exit, &["  What the task does.", "  changes   with the next start of the service"]);
    let exit = explain("resources.store.lifecycle").run();
    assert!(exit.stdout.starts_with("system.resources.store.lifecycle is a section\n"), "{}", exit.stdout);
    assert!(exit.stdout.contains("start_timeout: \"3s\" # "), "{}", exit.stdout);
}

#[test]
fn a_secret_is_explained_without_being_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.yml");
    fs::write(&file, FILE).unwrap();
    for format in [&["--json"][..], &[]] {
        let exit = lab(&["explain", "microservices.lab.password"])
            .set("microservices.lab.password", "hunter3")
            .env("CHASSIS_SETTINGS_FILE", &file);
        let exit = format.iter().fold(exit, Program::arg).run();
        assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""));
        assert!(exit.stdout.contains("\"***\"") && exit.stdout.contains("--set"), "{}", exit.stdout);
        assert!(!exit.stdout.contains("hunter"), "{}", exit.stdout);
    }
    // Nobody declares it, and it looks like one.
    let exit = lab(&["explain", "resources.other.token.x"]).set("resources.other.token.x", "hunter3").run();
    assert!(exit.code == Some(0) && exit.stdout.contains("nobody declares it"), "{}", exit.stdout);
    assert!(!exit.stdout.contains("hunter"), "{}", exit.stdout);
}

#[test]
fn a_key_that_nobody_knows_is_told_with_what_was_perhaps_meant() {
    for (key, meant) in [
        ("resources.store.strat", "did you mean `resources.store.start`?"),
        ("task", "did you mean `microservices.lab.task`?"),
        ("stop_timout", "did you mean `lifecycle.stop_timeout`"),
        ("nonsense", "`lab settings` lists all keys"),
        ("a..b", "is not the path of a setting"),
    ] {
        let exit = lab(&["explain", key]).run();
        assert_eq!((exit.code, exit.stdout.as_str()), (Some(64), ""), "{key}");
        assert!(exit.stderr.contains(meant), "{key}: {}", exit.stderr);
    }
}

#[test]
fn what_is_wrong_with_a_key_is_told_with_it_and_nothing_else() {
    let wrong = lab(&["explain", "lifecycle.stop_timeout"]).set("lifecycle.stop_timeout", "soon").run();
    assert_eq!(wrong.code, Some(78));
    assert!(wrong.stdout.contains("> --set lifecycle.stop_timeout  \"soon\""), "{}", wrong.stdout);
    assert!(wrong.stderr.contains("expected a duration"), "{}", wrong.stderr);
    let other = lab(&["explain", "deploy_name"]).set("lifecycle.stop_timeout", "soon").run();
    assert_eq!((other.code, other.stderr.as_str()), (Some(0), ""));
}

#[test]
fn what_is_in_effect_is_compared_with_a_file_key_by_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.yml");
    let lines = "\
system:
  lifecycle: {stop_timeout: 90s, hook_timeout: 60}
  resources:
    store: {start: Crash}
    peer: {start: panic}
  microservices:
    lab: {password: hunter1}
";
    fs::write(&file, lines).unwrap();
    let shown = file.display().to_string();
    let diff = |sets: &[&str]| sets.iter().fold(lab(&["diff", &shown]), |lab, set| lab.arg("--set").arg(set)).run();
    // Written differently, and the same: `1m30s` is 90 s, `crash` is `Crash`, 60 s are the default.
    let same = [
        "lifecycle.stop_timeout=1m30s",
        "resources.store.start=crash",
        "resources.peer.start=panic",
        "microservices.lab.password=hunter1",
    ];
    let exit = diff(&same);
    assert_eq!((exit.code, exit.stdout.as_str(), exit.stderr.as_str()), (Some(0), "", ""));

    let exit =
        diff(&["deploy_name=there", "resources.store.start=hang", "microservices.lab.password=hunter3", same[0]]);
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(1), ""));
    let expected = format!(
        "+ system.deploy_name: \"local\" (default) -> \"there\" (--set deploy_name)\n\
         ~ system.microservices.lab.password: differs ({shown}:7:21) -> (--set microservices.lab.password)\n\
         - system.resources.peer.start: \"panic\" ({shown}:5:19) -> \"none\" (default)\n\
         ~ system.resources.store.start: \"Crash\" ({shown}:4:20) -> \"hang\" (--set resources.store.start)\n"
    );
    assert_eq!(exit.stdout, expected);

    let absent = lab(&["diff", "absent.yml"]).run();
    assert_eq!((absent.code, absent.stdout.as_str()), (Some(78), ""));
    assert!(absent.stderr.contains("absent.yml"), "{}", absent.stderr);
    let nowhere = lab(&["diff", "--etcd"]).run();
    assert_eq!(nowhere.code, Some(64));
    assert!(nowhere.stderr.contains("CHASSIS_ETCD_ENDPOINTS"), "{}", nowhere.stderr);
}

#[cfg(not(feature = "etcd"))]
#[test]
fn what_needs_etcd_says_so_where_it_is_not_compiled_in() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.yml");
    fs::write(&file, FILE).unwrap();
    let path = file.display().to_string();
    let asked: [&[&str]; 3] = [&["push", &path], &["push", &path, "--dry-run"], &["pull"]];
    for arguments in asked {
        let exit = lab(arguments).env("CHASSIS_ETCD_ENDPOINTS", "http://127.0.0.1:1").run();
        let told = "settings in etcd are not compiled into this program\nenable the feature `etcd` of `chassis`\n";
        assert_eq!((exit.code, exit.stdout.as_str(), exit.stderr.as_str()), (Some(64), "", told), "{arguments:?}");
    }
    // A service that is to read them does not start without.
    let service = Program::at(Path::new(env!("CARGO_BIN_EXE_lab"))).arg("check");
    let exit = service.env("CHASSIS_ETCD_ENDPOINTS", "http://127.0.0.1:1").run();
    println!("{}", exit.stderr);
    assert_eq!((exit.code, exit.stdout.as_str()), (Some(78), ""));
    assert!(exit.stderr.contains("feature `etcd`"), "{}", exit.stderr);
}
