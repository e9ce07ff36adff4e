//! The command line of a service, as a person or a script uses it.

use std::{fs, path::Path, time::Duration};

use chassis_tests::{Exit, Program};

fn lab(arguments: &[&str]) -> Exit {
    let program = arguments.iter().fold(Program::at(Path::new(env!("CARGO_BIN_EXE_lab"))), |lab, it| lab.arg(it));
    program.run()
}

#[test]
fn help_and_version_are_results() {
    let help = lab(&["--help"]);
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    assert!(help.stdout.starts_with("Misbehaves as told.\n"), "{}", help.stdout);
    for expected in ["check", "settings", "graph", "--set <KEY=VALUE>", "--log-level <LEVEL>", "--once"] {
        assert!(help.stdout.contains(expected), "{expected}: {}", help.stdout);
    }
    let version = lab(&["--version"]);
    assert_eq!((version.code, version.stdout.as_str()), (Some(0), "lab 0.1.0\n"));
}

#[test]
fn what_is_not_understood_is_told_on_standard_error() {
    for arguments in [&["nonsense"][..], &["--nonsense"], &["graph", "--format", "png"], &["check", "--once"]] {
        let exit = lab(arguments);
        assert_eq!((exit.code, exit.stdout.as_str()), (Some(64), ""), "{arguments:?}");
        assert!(exit.stderr.starts_with("error: "), "{arguments:?}: {}", exit.stderr);
    }
    let exit = lab(&["--log-level", "loud"]);
    let told = "`--log-level`: expected off, error, warn, info, debug or trace, found `loud`\n";
    assert_eq!((exit.code, exit.stdout.as_str(), exit.stderr.as_str()), (Some(64), "", told));
}

#[test]
fn check_says_yes_without_a_start() {
    let exit = lab(&["check", "--set", "resources.store.start=hang"]);
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""));
    assert_eq!(exit.stdout, "the settings of `lab` are valid\n");
}

#[test]
fn check_tells_all_that_is_wrong_and_what_looks_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.yml");
    fs::write(&file, "system:\n  resources:\n    store:\n      start: fast\n    per:\n      start: hang\n").unwrap();
    let exit = lab(&["check", "--settings", file.to_str().unwrap(), "--set", "microservices.lab.tusk=crash"]);
    assert_eq!((exit.code, exit.stdout.as_str()), (Some(78), ""));
    let place = |line: u32, column: u32| format!("{}:{line}:{column}", file.display());
    for expected in [
        "`system.resources.store.start`: expected one of `none`",
        &place(4, 14),
        "`system.microservices.lab.tusk`: unknown key",
        "did you mean `task`?",
        "warning: `system.resources.per`: is a section that this service does not read",
        "did you mean `peer`?",
    ] {
        assert!(exit.stderr.contains(expected), "{expected}: {}", exit.stderr);
    }
}

#[test]
fn check_looks_at_the_files_that_settings_name() {
    let tls = r#"{"certificate": "/nowhere/server.pem", "key": "/nowhere/server.key"}"#;
    let exit = Program::example("todo").arg("check").set("resources.http.tls", tls).run();
    assert_eq!(exit.code, Some(78), "{}", exit.stderr);
    // The example alone is built without TLS, and with it beside the tests.
    let says = |text: &str| exit.stderr.contains(text);
    assert!(says("`system.resources.http`"), "{}", exit.stderr);
    assert!(says("enable the feature `tls`") || says("/nowhere/server.pem"), "{}", exit.stderr);
}

#[test]
fn check_names_both_keys_of_servers_that_want_one_address() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("two.yml");
    fs::write(&file, "system:\n  resources:\n    public:\n      host: 0.0.0.0\n      port: 8081\n").unwrap();
    let two_servers = || Program::example("two_servers").arg("--settings").arg(&file);
    for command in ["check", "run"] {
        let exit = two_servers().arg(command).set("resources.staff.port", 8081).run();
        assert_eq!((exit.code, exit.stdout.as_str()), (Some(78), ""), "{command}");
        let told = [
            "settings: 1 problem\n",
            "1. `system.resources.staff.port`: `127.0.0.1:8081` cannot be listened on beside `0.0.0.0:8081` of ",
            &format!("`system.resources.public.port` (at {}:5:13)\n", file.display()),
            "     at --set resources.staff.port\n",
            "     set another `port` for one of the two\n",
        ];
        assert_eq!(exit.stderr, told.concat(), "{command}");
    }
    let exit = two_servers().arg("check").set("resources.staff.port", 5747).run();
    let told = "`system.resources.status.port`: `127.0.0.1:5747` cannot be listened on beside `127.0.0.1:5747` of \
                `system.resources.staff.port` (at --set resources.staff.port)";
    assert_eq!(exit.code, Some(78));
    assert!(exit.stderr.contains(told), "{}", exit.stderr);
}

#[test]
fn settings_that_are_wrong_end_a_start_at_once() {
    let exit =
        lab(&["--set", "resources.status.port=http", "--set", "lifecycle.stop_timeout=soon", "--settings", "no.yml"]);
    assert_eq!((exit.code, exit.stdout.as_str()), (Some(78), ""));
    assert!(exit.lived < Duration::from_secs(1), "{:?}", exit.lived);
    for expected in
        ["settings: 3 problems", "`system.resources.status.port`", "`system.lifecycle.stop_timeout`", "no.yml"]
    {
        assert!(exit.stderr.contains(expected), "{expected}: {}", exit.stderr);
    }
}

#[test]
fn settings_show_values_with_their_origins_and_no_secrets() {
    let set = ["--set", "deploy_name=blue", "--set", "microservices.lab.password=hunter3", "--log-level", "debug"];
    let exit = lab(&[&["settings"], &set[..]].concat());
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""));
    let has = |line: &str| assert!(exit.stdout.lines().any(|told| told == line), "{line}: {}", exit.stdout);
    has("system.deploy_name: \"blue\" # --set deploy_name");
    has("system.microservices.lab.password: \"***\" # --set microservices.lab.password");
    has("system.microservices.lab.task: \"none\" # default");
    has("system.logging.levels: {\"root\":\"debug\"} # --log-level");
    assert!(!exit.stdout.contains("hunter"), "{}", exit.stdout);

    let wrong = lab(&["settings", "show", "--set", "lifecycle.stop_timeout=soon"]);
    assert_eq!(wrong.code, Some(78));
    assert!(wrong.stdout.contains("system.lifecycle.stop_timeout: \"soon\""), "{}", wrong.stdout);
    assert!(wrong.stderr.contains("`system.lifecycle.stop_timeout`"), "{}", wrong.stderr);
}

#[test]
fn the_level_of_the_command_line_wins_over_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.toml");
    fs::write(&file, "[system.logging.levels]\nroot = \"trace\"\n[system.resources.status]\nport = 0\n").unwrap();
    let exit = lab(&["run", "--settings", file.to_str().unwrap(), "--log-level", "warn", "--once"]);
    assert_eq!((exit.code, exit.stdout.as_str(), exit.stderr.as_str()), (Some(0), "", ""));
}

#[test]
fn the_sample_is_a_valid_file_and_the_schema_is_json() {
    let sample = lab(&["settings", "sample"]);
    assert_eq!((sample.code, sample.stderr.as_str()), (Some(0), ""));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sample.yml");
    fs::write(&file, &sample.stdout).unwrap();
    let exit = lab(&["check", "--settings", file.to_str().unwrap()]);
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""));

    let schema = lab(&["settings", "schema"]);
    let schema: serde_json::Value = serde_json::from_str(&schema.stdout).unwrap();
    let lab = &schema["properties"]["system"]["properties"]["resources"]["properties"]["store"]["properties"];
    assert!(lab["start"].is_object(), "{schema:#}");
}

#[test]
fn the_graph_comes_in_three_languages() {
    let dot = lab(&["graph"]);
    assert_eq!(dot.code, Some(0));
    assert!(dot.stdout.contains("\"store\" -> \"peer\""), "{}", dot.stdout);
    assert!(lab(&["graph", "--format", "svg"]).stdout.starts_with("<svg "));
    assert!(lab(&["graph", "--format", "mermaid"]).stdout.starts_with("flowchart LR\n"));
}

#[test]
fn the_environment_is_a_source_below_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.json");
    fs::write(&file, r#"{"system": {"deploy_name": "file", "resources": {"store": {"start": "crash"}}}}"#).unwrap();
    let exit = Program::at(Path::new(env!("CARGO_BIN_EXE_lab")))
        .env("CHASSIS_SETTINGS_FILE", &file)
        .env("CHASSIS__DEPLOY_NAME", "environment")
        .env("CHASSIS__RESOURCES__STORE__START", "none")
        .arg("settings")
        .set("deploy_name", "option")
        .run();
    assert!(exit.stdout.contains("system.deploy_name: \"option\" # --set deploy_name\n"), "{}", exit.stdout);
    assert!(
        exit.stdout.contains("system.resources.store.start: \"none\" # CHASSIS__RESOURCES__STORE__START\n"),
        "{}",
        exit.stdout
    );
}
