//! A service whose settings are in etcd, as a process: what it says and how it ends where etcd is not as it should be.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    thread,
    time::Duration,
};

use chassis_tests::{Certificates, EtcdServer, Exit, Program, free_port};

/// The service that does its work and leaves, with settings in etcd.
fn lab(endpoints: &str) -> Program {
    let lab = Program::at(Path::new(env!("CARGO_BIN_EXE_lab"))).set("resources.status.port", 0);
    lab.env("CHASSIS_ETCD_ENDPOINTS", endpoints).env("CHASSIS_ETCD_START_TIMEOUT", "3s")
}

fn settings(endpoints: &str) -> Program {
    let lab = Program::at(Path::new(env!("CARGO_BIN_EXE_lab"))).arg("settings").arg("show");
    lab.env("CHASSIS_ETCD_ENDPOINTS", endpoints).env("CHASSIS_ETCD_START_TIMEOUT", "3s")
}

#[track_caller]
fn refuses(exit: &Exit, code: i32, words: &[&str]) {
    println!("{}", exit.stderr);
    assert_eq!(exit.code, Some(code), "{}\n{}", exit.stdout, exit.stderr);
    for word in words {
        assert!(exit.stderr.contains(word), "`{word}` is not in\n{}", exit.stderr);
    }
}

#[test]
fn etcd_is_between_the_files_and_the_environment() {
    let Some(server) = EtcdServer::start() else { return };
    server.put("/system/deploy_name", "\"from-etcd\"");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.yml");
    fs::write(&file, "system:\n  deploy_name: from-file\n  lifecycle: {stop_timeout: 7s}\n").unwrap();
    let show = || settings(&server.url()).env("CHASSIS_SETTINGS_FILE", &file).arg("--set").arg("logging.levels={}");
    let exit = show().run();
    let revision = server.revision();
    let line = format!("system.deploy_name: \"from-etcd\" # etcd /system/deploy_name rev {revision}");
    assert!(exit.stdout.contains(&line) && exit.stdout.contains("\"7s\""), "{}{}", exit.stdout, exit.stderr);
    let exit = show().env("CHASSIS__DEPLOY_NAME", "from-env").run();
    assert!(exit.stdout.contains("system.deploy_name: \"from-env\""), "{}", exit.stdout);
    let exit = lab(&server.url()).arg("--once").run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(exit.stdout.contains("from-etcd"), "{}", exit.stdout);
}

#[test]
fn an_etcd_that_is_not_there_is_waited_for_and_then_told_by_endpoint() {
    let (one, other) = (free_port(), free_port());
    let endpoints = format!("http://127.0.0.1:{one},http://127.0.0.1:{other}");
    let exit = lab(&endpoints).run();
    let (one, other) = (format!("etcd http://127.0.0.1:{one}"), format!("etcd http://127.0.0.1:{other}"));
    refuses(&exit, 69, &["2 problems", &one, &other, "connection refused", "given up after 3s"]);
    assert!(exit.lived > Duration::from_secs(3) && exit.lived < Duration::from_secs(8), "{:?}", exit.lived);
    let waiting = exit.stdout.lines().filter(|line| line.contains("etcd does not answer yet"));
    assert_eq!(waiting.count(), 1, "{}", exit.stdout);
}

#[test]
fn a_port_that_says_nothing_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let exit = lab(&format!("http://{}", silent.local_addr().unwrap())).run();
    refuses(&exit, 69, &["no answer", "given up after 3s"]);
}

#[test]
fn whoever_waits_for_etcd_says_so_in_one_line() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    let check = |endpoints: &str| {
        let lab = Program::at(Path::new(env!("CARGO_BIN_EXE_lab"))).arg("check");
        lab.env("CHASSIS_ETCD_ENDPOINTS", endpoints).env("CHASSIS_ETCD_START_TIMEOUT", "2500ms")
    };
    let waits = |output: &str, what: &str| {
        let lines: Vec<&str> = output.lines().filter(|line| line.contains("waiting for at most")).collect();
        assert!(matches!(lines[..], [line] if line.contains(what)), "{lines:?}");
    };
    let exit = check(&silent).run();
    waits(&exit.stderr, &format!("etcd does not answer yet, waiting for at most 2500ms: {silent}"));
    assert_eq!((exit.code, exit.stdout.as_str()), (Some(69), ""), "{}", exit.stderr);
    // A service says it in its log.
    let exit = lab(&silent).env("CHASSIS_ETCD_START_TIMEOUT", "2500ms").run();
    waits(&exit.stdout, &silent);
    assert_eq!(exit.stderr.matches("waiting for").count(), 0, "{}", exit.stderr);

    let Some(server) = EtcdServer::start() else { return };
    let exit = check(&server.url()).env("CHASSIS_ETCD_CHECK_KEY", "/ready").run();
    waits(&exit.stderr, "the key `/ready` does not exist");
    assert_eq!(exit.code, Some(69));
    // Nothing is said where nothing is waited for.
    server.put("/ready", "true");
    let exit = check(&server.url()).env("CHASSIS_ETCD_CHECK_KEY", "/ready").run();
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""));
}

/// Something that answers every connection with these bytes.
fn babbler(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.read(&mut [0; 64]);
            let _ = stream.write_all(bytes);
        }
    });
    format!("http://{address}")
}

#[test]
fn something_that_is_no_etcd_is_told_so() {
    for bytes in [&b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"[..], b"SSH-2.0-OpenSSH_9.2\r\n", &[0; 4096]]
    {
        let exit = lab(&babbler(bytes)).run();
        refuses(&exit, 78, &["no etcd"]);
    }
}

/// A server that shows this certificate, and asks for one of the same authority.
fn server(certificates: &Certificates, name: &str, asks: bool) -> Option<EtcdServer> {
    let file = |ending: &str| certificates.path(&format!("{name}.{ending}"));
    EtcdServer::with_tls(&certificates.path("ca.pem"), &file("pem"), &file("key"), asks)
}

#[test]
fn certificates_are_checked_on_both_sides() {
    let certificates = Certificates::make();
    let file = |name: &str| certificates.path(name);
    let Some(server) = server(&certificates, "server", true) else { return };
    server.wait();
    server.put("/system/deploy_name", "\"from-etcd\"");
    let trusting = || lab(&server.url()).arg("--once").env("CHASSIS_ETCD_CA_FILE", file("ca.pem"));
    let known = |name: &str| {
        let (certificate, key) = (file(&format!("{name}.pem")), file(&format!("{name}.key")));
        trusting().env("CHASSIS_ETCD_CERT_FILE", certificate).env("CHASSIS_ETCD_KEY_FILE", key)
    };
    let exit = known("client").run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(exit.stdout.contains("from-etcd"));

    refuses(&trusting().run(), 78, &["certificate"]);
    refuses(&known("expired").run(), 78, &["certificate"]);
    refuses(&known("client").env("CHASSIS_ETCD_CA_FILE", file("stranger.pem")).run(), 78, &["certificate"]);
    refuses(&known("client").env("CHASSIS_ETCD_CA_FILE", file("none.pem")).run(), 78, &["none.pem", "no such file"]);
    refuses(&known("client").env("CHASSIS_ETCD_CA_FILE", file("client.key")).run(), 78, &["client.key"]);
    refuses(&known("client").env("CHASSIS_ETCD_KEY_FILE", file("server.pem")).run(), 78, &["server.pem"]);
    refuses(&lab(&server.url().replace("https", "http")).run(), 69, &["https://"]);
}

#[test]
fn a_server_whose_certificate_is_no_good_is_told_why() {
    let certificates = Certificates::make();
    for (name, why) in [("expired", "expired"), ("elsewhere", "not valid for name")] {
        let Some(server) = server(&certificates, name, false) else { return };
        // Its own client refuses it, too.
        thread::sleep(Duration::from_millis(500));
        let exit = lab(&server.url()).env("CHASSIS_ETCD_CA_FILE", certificates.path("ca.pem")).run();
        refuses(&exit, 78, &["certificate", why]);
    }
}

#[test]
fn users_are_checked() {
    let Some(server) = EtcdServer::start() else { return };
    server.put("/system/deploy_name", "\"from-etcd\"");
    // A server without users serves everybody.
    let known = |user: &str, password: &str| {
        lab(&server.url()).arg("--once").env("CHASSIS_ETCD_USER", user).env("CHASSIS_ETCD_PASSWORD", password)
    };
    assert_eq!(known("reader", "hunter2").run().code, Some(0));
    for command in [
        "user add root:hunter3",
        "user add reader:hunter2",
        "user add stranger:hunter2",
        "role add reads",
        "role grant-permission reads --prefix=true read /system/",
        "user grant-role reader reads",
        "auth enable",
    ] {
        server.ctl(&command.split(' ').collect::<Vec<_>>());
    }
    let exit = known("reader", "hunter2").run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(exit.stdout.contains("from-etcd"));

    let wrong = known("reader", "hunter4").run();
    refuses(&wrong, 78, &["refuses the user or the password"]);
    assert!(wrong.lived < Duration::from_millis(900), "{:?}", wrong.lived);
    refuses(&known("stranger", "hunter2").run(), 78, &["does not let this user"]);
    refuses(&lab(&server.url()).run(), 78, &["CHASSIS_ETCD_USER"]);
    assert!(!format!("{}{}", wrong.stdout, wrong.stderr).contains("hunter"));
}

#[test]
fn a_service_starts_without_etcd_from_what_it_kept() {
    let Some(mut server) = EtcdServer::start() else { return };
    server.put("/system/deploy_name", "\"from-etcd\"");
    server.put("/system/microservices/lab/password", "\"hunter3\"");
    server.put("/system/microservices/other/key", "\"of-others\"");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.json");
    let lab = || lab(&server.url()).arg("--once").env("CHASSIS_ETCD_CACHE_FILE", &file);
    assert_eq!(lab().run().code, Some(0));
    let kept = fs::read_to_string(&file).unwrap();
    assert!(kept.contains("from-etcd") && !kept.contains("hunter3") && !kept.contains("of-others"), "{kept}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    // One that does not start with what it got keeps what it had.
    server.put("/system/microservices/lab/hook", "\"crash\"");
    assert_eq!(lab().run().code, Some(70));
    assert_eq!(fs::read_to_string(&file).unwrap(), kept);
    server.delete("/system/microservices/lab/hook");

    let wanted = lab().env("CHASSIS_ETCD_CACHE_SECRETS", "true");
    assert_eq!(wanted.run().code, Some(0));
    assert!(fs::read_to_string(&file).unwrap().contains("hunter3"));
    assert_eq!(lab().run().code, Some(0));
    let url = server.url();
    server.kill();
    let lab = || self::lab(&url).arg("--once");
    let exit = lab().env("CHASSIS_ETCD_CACHE_FILE", &file).run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(exit.stdout.contains("from-etcd"));
    let lines = |text: &str| exit.stdout.lines().filter(|line| line.contains(text)).count();
    assert_eq!(lines("etcd: is not there"), 1, "{}", exit.stdout);
    assert_eq!(lines("secrets are not among them: system.microservices.lab.password"), 1, "{}", exit.stdout);

    refuses(&lab().run(), 69, &["connection refused"]);
    fs::write(&file, "{").unwrap();
    let exit = lab().env("CHASSIS_ETCD_CACHE_FILE", &file).run();
    refuses(&exit, 69, &["connection refused"]);
    assert!(exit.stdout.contains("it is damaged"), "{}", exit.stdout);
}

#[test]
fn a_mistake_of_others_is_a_warning_and_one_of_its_own_a_problem() {
    let Some(server) = EtcdServer::start() else { return };
    server.put("/system/microservices/other/key", "no-json");
    server.put("/system/microservices/other//key", "1");
    let exit = lab(&server.url()).arg("--once").run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(exit.stdout.contains("the value is no JSON document"), "{}", exit.stdout);
    server.put("/system/resources/store/start", "no-json");
    server.put("/system/microservices/lab/task", "no-json");
    refuses(
        &lab(&server.url()).run(),
        78,
        &["2 problems", "system.resources.store.start", "system.microservices.lab.task"],
    );
}

#[test]
fn an_older_name_is_noticed_and_a_pointless_one_warned_of() {
    let Some(server) = EtcdServer::start() else { return };
    server.put("/system/deploy_name", "\"from-etcd\"");
    let lab = || Program::at(Path::new(env!("CARGO_BIN_EXE_lab"))).set("resources.status.port", 0).arg("--once");
    let exit = lab().env("TAMARCO_ETCD_HOST", "127.0.0.1").env("TAMARCO_ETCD_PORT", server.port().to_string()).run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(
        exit.stdout.contains("from-etcd") && exit.stdout.contains("`CHASSIS_ETCD_ENDPOINTS` here"),
        "{}",
        exit.stdout
    );
    let exit = lab().env("CHASSIS_ETCD_USER", "x").env("CHASSIS_ETCD_ENDPOINT", "x").run();
    assert!(exit.stdout.contains("means nothing without") && exit.stdout.contains("did you mean"), "{}", exit.stdout);
}
