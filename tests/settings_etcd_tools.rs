//! The tools that write settings to etcd, read them back and compare them, on a real server.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use chassis_tests::{EtcdServer, EtcdWriter, Program};

const FILE: &str = "\
system:
  deploy_name: 007
  lifecycle: {stop_timeout: 7s}
  resources:
    store: {start: crash}
    other: {port: 0x10, rate: 1.10, note: ~}
  logging:
    levels: {a: debug, \"b/c\": info}
  microservices:
    lab: {task: hang, password: hunter1}
";

fn lab(server: &EtcdServer, arguments: &[&str]) -> Program {
    let lab = Program::at(Path::new(env!("CARGO_BIN_EXE_lab"))).env("CHASSIS_ETCD_ENDPOINTS", server.url());
    let lab = lab.env("CHASSIS_ETCD_CHECK_KEY", "/system/etcd_ready").arg("settings");
    arguments.iter().fold(lab, Program::arg)
}

fn keys(server: &EtcdServer) -> Vec<String> {
    server.ctl(&["get", "/", "--prefix", "--keys-only"]).split_whitespace().map(str::to_owned).collect()
}

#[test]
fn a_file_is_pushed_at_once_and_pulled_again() {
    let Some(server) = EtcdServer::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.yml");
    fs::write(&file, FILE).unwrap();
    let path = file.display().to_string();
    server.put("/system/resources/others/own", "1");
    let before = server.revision();

    let dry = lab(&server, &["push", &path, "--dry-run"]).run();
    assert_eq!((dry.code, server.revision()), (Some(0), before), "{}", dry.stderr);
    assert!(dry.stdout.contains("would be new: 9"), "{}", dry.stdout);

    let exit = lab(&server, &["push", &path]).run();
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""), "{}", exit.stdout);
    assert_eq!(exit.stdout.matches("would be").count(), 0);
    assert!(
        exit.stdout.contains("+ /system/deploy_name\n") && exit.stdout.contains("left alone: 1\n"),
        "{}",
        exit.stdout
    );
    assert!(!exit.stdout.contains("hunter"), "{}", exit.stdout);
    // One transaction is one revision.
    assert_eq!(server.revision(), before + 1);
    let value = |key: &str| server.ctl(&["get", key, "--print-value-only"]).trim().to_owned();
    assert_eq!(value("/system/deploy_name"), "\"007\"");
    assert_eq!(
        (value("/system/resources/other/port"), value("/system/resources/other/rate")),
        ("16".into(), "1.10".into())
    );
    assert_eq!(value("/system/logging/levels"), "{\"a\":\"debug\",\"b/c\":\"info\"}");
    assert_eq!(value("/system/etcd_ready"), "true");

    // What is there already is not written again.
    let again = lab(&server, &["push", &path]).run();
    assert!(again.stdout.contains("new: 0, changed: 0, deleted: 0; the same as in the file: 9"), "{}", again.stdout);
    assert_eq!(server.revision(), before + 1);

    // Masked, unless the secrets are wanted, and then for the owner alone.
    let pulled = lab(&server, &["pull"]).run();
    assert!(pulled.stdout.contains("password: \"***\"") && !pulled.stdout.contains("hunter"), "{}", pulled.stdout);
    let copy = folder.path().join("copy.yml");
    let masked = folder.path().join("masked.yml");
    fs::write(&masked, &pulled.stdout).unwrap();
    let refused = lab(&server, &["push", &masked.display().to_string()]).run();
    assert_eq!(refused.code, Some(78));
    assert!(refused.stderr.contains("was masked") && refused.stderr.contains("masked.yml:"), "{}", refused.stderr);
    fs::write(&copy, "").unwrap();
    let pulled = lab(&server, &["pull", "--with-secrets", "--output", &copy.display().to_string()]).run();
    assert_eq!((pulled.code, pulled.stdout.as_str(), pulled.stderr.as_str()), (Some(0), "", ""));
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let again = lab(&server, &["push", &copy.display().to_string()]).run();
    assert!(again.stdout.contains("new: 0, changed: 0, deleted: 0"), "{}{}", again.stdout, again.stderr);
    assert_eq!(server.revision(), before + 1);

    // A service starts with it.
    let exit = lab(&server, &["diff", "--etcd", "--settings", &path]).run();
    assert_eq!((exit.code, exit.stdout.as_str()), (Some(0), ""), "{}", exit.stderr);
    let exit = lab(&server, &["diff", "--etcd", "--settings", &path, "--set", "resources.store.start=none"]).run();
    assert_eq!(exit.code, Some(1));
    let line = format!(
        "~ system.resources.store.start: \"crash\" (etcd /system/resources/store/start rev {}) -> \"none\" (--set \
         resources.store.start)\n",
        before + 1
    );
    assert_eq!(exit.stdout, line);
}

#[test]
fn what_is_pushed_for_a_service_with_a_leader_elects_it_there() {
    let Some(server) = EtcdServer::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("replica.yml");
    let push = |content: &str| {
        fs::write(&file, content).unwrap();
        let replica = Program::at(Path::new(env!("CARGO_BIN_EXE_replica")));
        let replica = replica.env("CHASSIS_ETCD_ENDPOINTS", server.url()).arg("settings").arg("push");
        replica.arg(file.display().to_string()).run()
    };
    let exit = push("system: {microservices: {replica: {writer: a, store: 1}}}\n");
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""), "{}", exit.stdout);
    let exit = push("system: {microservices: {replica: {tasks: {write: {leader: perhaps}}}}}\n");
    assert_eq!(exit.code, Some(78), "{}", exit.stderr);
}

#[test]
fn keys_that_are_not_in_the_file_stay_unless_they_are_pruned() {
    let Some(server) = EtcdServer::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.json");
    fs::write(&file, r#"{"system": {"deploy_name": "a", "resources": {"store": {"start": "none"}}}}"#).unwrap();
    let path = file.display().to_string();
    server.put("/system/deploy_name", "\"b\"");
    server.put("/system/resources/others/own", "1");
    server.put("/elsewhere", "1");
    server.put("/system/resources/store", "{\"stop\": \"none\"}");

    // A value and keys below it would be no settings.
    let revision = server.revision();
    let exit = lab(&server, &["push", &path]).run();
    assert_eq!((exit.code, server.revision()), (Some(78), revision));
    assert!(
        exit.stderr.contains("etcd /system/resources/store rev") && exit.stderr.contains("--prune"),
        "{}",
        exit.stderr
    );

    let exit = lab(&server, &["push", &path, "--prune"]).run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    for line in ["~ /system/deploy_name\n", "- /system/resources/others/own\n", "new: 1, changed: 1, deleted: 2;"] {
        assert!(exit.stdout.contains(line), "{line}: {}", exit.stdout);
    }
    assert_eq!(
        keys(&server),
        ["/elsewhere", "/system/deploy_name", "/system/etcd_ready", "/system/resources/store/start"]
    );
    let exit = lab(&server, &["push", &path, "--prune"]).run();
    assert!(exit.stdout.contains("deleted: 0"), "{}", exit.stdout);
}

#[test]
fn a_file_that_the_service_could_not_start_with_is_not_written() {
    let Some(server) = EtcdServer::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.yml");
    fs::write(&file, "system:\n  lifecycle: {stop_timeout: soon}\n  resources: {store: {strat: none}}\n").unwrap();
    let path = file.display().to_string();
    let revision = server.revision();
    // A variable that would hide the mistake does not.
    let exit = lab(&server, &["push", &path]).env("CHASSIS__LIFECYCLE__STOP_TIMEOUT", "3s").run();
    assert_eq!((exit.code, exit.stdout.as_str()), (Some(78), ""));
    assert!(exit.stderr.contains("settings: 2 problems"), "{}", exit.stderr);
    assert!(exit.stderr.contains("lab.yml:2:29") && exit.stderr.contains("did you mean `start`?"), "{}", exit.stderr);
    // What is wrong with what stays there counts, too.
    server.put("/system/lifecycle/stop_timeout", "\"soon\"");
    fs::write(&file, "system: {deploy_name: a}\n").unwrap();
    let exit = lab(&server, &["push", &path]).run();
    assert_eq!(exit.code, Some(78));
    assert!(exit.stderr.contains("etcd /system/lifecycle/stop_timeout rev"), "{}", exit.stderr);
    assert_eq!(server.revision(), revision + 1);
    assert_eq!(keys(&server), ["/system/lifecycle/stop_timeout"]);
}

#[test]
fn more_than_a_transaction_holds_is_written_in_several_and_the_check_key_last() {
    let Some(server) = EtcdServer::with(&["--max-txn-ops=128"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.yml");
    let lines: String = (0..300).map(|number| format!("    others: {{k{number}: {number}}}\n")).collect();
    let lines = lines.replace("    others: {", "      ").replace("}\n", "\n");
    fs::write(&file, format!("system:\n  resources:\n    others:\n{lines}")).unwrap();
    let before = server.revision();
    let exit = lab(&server, &["push", &file.display().to_string()]).run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(exit.stdout.contains("new: 300") && exit.stdout.contains("in 4 transactions"), "{}", exit.stdout);
    assert_eq!(server.revision(), before + 4);
    let check = server.ctl(&["get", "/system/etcd_ready", "-w", "json"]);
    assert!(check.contains(&format!("\"mod_revision\":{}", before + 4)), "{check}");
}

#[test]
fn an_etcd_that_is_not_there_is_told_and_nothing_is_waited_for() {
    let Some(mut server) = EtcdServer::start() else { return };
    server.kill();
    let exit = lab(&server, &["pull"]).run();
    assert_eq!((exit.code, exit.stdout.as_str()), (Some(69), ""));
    assert!(exit.stderr.contains("connection refused"), "{}", exit.stderr);
    let exit = lab(&server, &["pull"]).env("CHASSIS_ETCD_ENDPOINTS", "").run();
    assert_eq!(exit.code, Some(78));
    assert!(exit.stderr.contains("CHASSIS_ETCD_ENDPOINTS"), "{}", exit.stderr);
}

#[test]
fn what_somebody_else_writes_meanwhile_is_not_overwritten() {
    let Some(server) = EtcdServer::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.yml");
    fs::write(&file, "system: {deploy_name: mine, lifecycle: {stop_timeout: 7s}}\n").unwrap();
    let path = file.display().to_string();
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut writer = EtcdWriter::to(&server);
            while !is_done.load(Ordering::Relaxed) {
                writer.put("/system/deploy_name", "\"theirs\"");
            }
        });
        // One that fits between two of their writes is no mistake.
        let refused = (0..10).map(|_| lab(&server, &["push", &path]).run()).find(|exit| {
            let is_refused = exit.code != Some(0);
            if !is_refused {
                server.ctl(&["del", "--prefix", "/system/lifecycle"]);
                server.delete("/system/etcd_ready");
            }
            is_refused
        });
        is_done.store(true, Ordering::Relaxed);
        let exit = refused.unwrap();
        assert_eq!((exit.code, exit.stdout.as_str()), (Some(69), ""), "{}", exit.stderr);
        assert!(exit.stderr.contains("nothing was written"), "{}", exit.stderr);
        assert!(exit.stderr.contains("somebody else has written to it meanwhile"), "{}", exit.stderr);
        println!("{}", exit.stderr);
    });
    assert_eq!(keys(&server), ["/system/deploy_name"]);
    assert!(server.ctl(&["get", "/system/deploy_name"]).contains("theirs"));
    let exit = lab(&server, &["push", &path]).run();
    assert_eq!((exit.code, keys(&server).len()), (Some(0), 3), "{}", exit.stderr);
}
