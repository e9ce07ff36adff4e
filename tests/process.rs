//! Services as processes: signals, exit codes, the supervisor above them.

use std::{
    fs,
    os::unix::net::UnixDatagram,
    path::Path,
    time::{Duration, Instant},
};

use chassis_tests::{Client, Exit, Program, Running};
use serde_json::Value;

/// The service that misbehaves as told, at any free port.
fn lab() -> Program {
    Program::at(Path::new(env!("CARGO_BIN_EXE_lab"))).set("resources.status.port", 0)
}

/// It works, as far as its log says.
fn started(lab: Program) -> Running {
    let running = lab.start();
    running.line("running, started in");
    running
}

fn log(exit: &Exit) -> Vec<Value> {
    exit.stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
}

fn last_words(exit: &Exit) -> String {
    log(exit).last().and_then(|line| line["message"].as_str().map(str::to_owned)).unwrap_or_default()
}

#[test]
fn either_signal_stops_it_quickly_and_in_order() {
    for signal in [Running::terminate, Running::interrupt] {
        let running = started(lab());
        signal(&running);
        let exit = running.wait();
        assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""));
        assert!(exit.took < Duration::from_secs(1), "{:?}", exit.took);
        let messages: Vec<Value> = log(&exit).into_iter().map(|mut line| line["message"].take()).collect();
        assert!(messages.iter().any(|it| it.as_str().is_some_and(|it| it.starts_with("stopping: received SIG"))));
        assert!(last_words(&exit).starts_with("stopped in "), "{}", exit.stdout);
    }
}

#[test]
fn the_log_is_json_from_the_first_line_and_all_there_is_on_standard_output() {
    let exit = lab().arg("--once").run();
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""));
    for line in log(&exit) {
        assert_eq!(line["service_name"], "lab", "{line}");
    }
    assert!(!exit.stdout.contains("hunter2"), "{}", exit.stdout);
}

#[test]
fn a_signal_that_comes_before_there_is_a_service_stops_it_all_the_same() {
    // The program sends it to itself while its arguments are read.
    let exit = lab().arg("--signal-early").arg("yes").run();
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_signal_at_any_moment_of_the_first_ones_ends_it_in_order() {
    // A program that has not come to `run` dies of it, as any program does; from then on it stops.
    for round in 0..40 {
        let running = lab().start();
        std::thread::sleep(Duration::from_micros(500 * round));
        let is_heard = catches_signals(running.id());
        running.terminate();
        if !is_heard {
            // One that comes within the microsecond in which its handler is put in place is lost; once more, then.
            std::thread::sleep(Duration::from_millis(500));
            running.terminate();
        }
        let exit = running.wait();
        let is_in_order = exit.code == Some(0) || (!is_heard && exit.signal == Some(15));
        assert!(is_in_order, "after {round} × 500 µs, {is_heard}: {:?} {:?}\n{}", exit.code, exit.signal, exit.stdout);
    }
}

/// Whether the process has its handlers for SIGTERM and SIGINT, as Linux shows it.
fn catches_signals(id: u32) -> bool {
    const BOTH: u64 = (1 << 14) | (1 << 1);
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & BOTH == BOTH)
}

#[test]
fn a_second_signal_forces_and_names_what_was_still_at_work() {
    let running = started(lab().set("microservices.lab.task", "stubborn"));
    running.terminate();
    running.line("stopping: received SIGTERM");
    running.interrupt();
    let exit = running.wait();
    assert_eq!(exit.code, Some(128 + 2));
    let words = last_words(&exit);
    assert!(words.contains("forced to exit") && words.contains("task `work`"), "{words}");
}

#[test]
fn a_signal_that_comes_twice_at_once_is_one() {
    let settings = [("microservices.lab.task", "stubborn"), ("lifecycle.stop_timeout", "500ms")];
    let running = started(settings.iter().fold(lab(), |lab, (key, value)| lab.set(key, value)));
    // `timeout` and the inits of containers signal the process, and then its group.
    running.terminate();
    std::thread::sleep(Duration::from_millis(2));
    running.terminate();
    let exit = running.wait();
    assert_eq!(exit.code, Some(75), "{}", last_words(&exit));
}

#[test]
fn what_does_not_end_within_the_budget_is_abandoned_and_named() {
    let settings =
        [("microservices.lab.task", "stubborn"), ("resources.peer.stop", "hang"), ("lifecycle.stop_timeout", "1s")];
    let running = started(settings.iter().fold(lab(), |lab, (key, value)| lab.set(key, value)));
    running.terminate();
    let exit = running.wait();
    assert_eq!(exit.code, Some(75));
    assert!(exit.took < Duration::from_secs(3), "{:?}", exit.took);
    let words = last_words(&exit);
    assert!(words.contains("still running: `peer` (stop), task `work`"), "{words}");
}

#[test]
fn a_service_all_of_whose_threads_are_held_up_still_ends_when_told() {
    let blocked = || {
        let settings = [("resources.peer.stop", "block"), ("lifecycle.stop_timeout", "1s")];
        started(settings.iter().fold(lab().env("TOKIO_WORKER_THREADS", "1"), |lab, (key, value)| lab.set(key, value)))
    };
    // The budget ends it.
    let running = blocked();
    running.terminate();
    let exit = running.wait();
    assert_eq!(exit.code, Some(75), "{}", exit.stdout);
    assert!(exit.took < Duration::from_secs(5), "{:?}", exit.took);
    assert!(last_words(&exit).contains("still running: `peer` (stop)"), "{}", exit.stdout);
    // A second signal ends it at once.
    let running = blocked();
    running.terminate();
    running.line("stopping: received SIGTERM");
    running.interrupt();
    let exit = running.wait();
    assert_eq!(exit.code, Some(128 + 2), "{}", exit.stdout);
}

#[test]
fn a_health_check_that_blocks_does_not_hold_up_the_stop() {
    let settings =
        [("resources.peer.health", "block"), ("lifecycle.health_interval", "50ms"), ("lifecycle.stop_timeout", "2s")];
    let running =
        started(settings.iter().fold(lab().env("TOKIO_WORKER_THREADS", "2"), |lab, (key, value)| lab.set(key, value)));
    std::thread::sleep(Duration::from_millis(200));
    running.terminate();
    let exit = running.wait();
    assert_eq!(exit.code, Some(75), "{}", exit.stdout);
    assert!(exit.took < Duration::from_secs(5), "{:?}", exit.took);
    let log = &exit.stdout;
    assert!(last_words(&exit).contains("health of `peer`"), "{log}");
}

#[test]
fn exit_codes_say_whose_fault_it_was() {
    let check = |settings: &[(&str, &str)], code: i32, words: &str| {
        let exit = settings.iter().fold(lab(), |lab, (key, value)| lab.set(key, value)).run();
        assert_eq!(exit.code, Some(code), "{settings:?}: {}{}", exit.stdout, exit.stderr);
        assert!(exit.stdout.contains(words), "{settings:?}: {words}: {}", exit.stdout);
        assert_eq!(exit.stderr, "", "{settings:?}");
    };
    let soon = ("resources.store.lifecycle.start_timeout", "300ms");
    check(&[("resources.store.start", "unavailable"), soon], 69, "not started within 300ms");
    check(&[("resources.store.start", "hang"), soon], 69, "`system.resources.store.lifecycle.start_timeout`");
    check(&[("resources.store.start", "crash")], 70, "resource `store` failed in `start`: broken on purpose");
    check(&[("resources.store.start", "panic")], 70, "panics on purpose");
    check(&[("resources.store.start", "misconfigured")], 78, "the password is wrong");
    check(&[("microservices.lab.hook", "crash")], 70, "hook `check` failed");
    check(&[("microservices.lab.task", "crash")], 70, "task `work` failed: broken on purpose");
    check(&[("microservices.lab.task", "panic")], 70, "panics on purpose");
    // Several at once: the one that explains the others.
    check(&[("microservices.lab.task", "crash"), ("resources.peer.stop", "misconfigured")], 78, "2 problems");
}

#[test]
fn a_port_in_use_is_told_with_the_way_out_and_not_waited_for() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let exit = lab().set("resources.status.port", port).run();
    assert_eq!(exit.code, Some(69));
    assert!(exit.lived < Duration::from_secs(2), "{:?}", exit.lived);
    for expected in [&format!("127.0.0.1:{port}"), "`system.resources.status.port`"] {
        assert!(exit.stdout.contains(expected), "{expected}: {}", exit.stdout);
    }
}

#[test]
fn services_on_one_machine_make_room_for_each_other_except_on_kubernetes() {
    // Whoever has the default port at the moment: it is taken.
    let _taken = std::net::TcpListener::bind("127.0.0.1:5747");
    let program = || Program::at(Path::new(env!("CARGO_BIN_EXE_lab")));
    let running = started(program());
    let line = running.line("status server: ");
    let line: Value = serde_json::from_str(&line).unwrap();
    let address = line["address"].as_str().unwrap();
    assert_ne!(address, "127.0.0.1:5747");
    assert!(running.stdout().contains("port 5747 of the status server is taken"), "{}", running.stdout());
    let answer = Client::once(address.parse().unwrap(), "GET", "/readyz", "").unwrap();
    assert_eq!((answer.status, answer.json()["status"].as_str()), (200, Some("pass")));
    running.terminate();
    assert_eq!(running.wait().code, Some(0));

    let exit = program().env("KUBERNETES_SERVICE_HOST", "10.0.0.1").run();
    assert_eq!(exit.code, Some(69), "{}", exit.stdout);
    assert!(exit.stdout.contains(":5747"), "{}", exit.stdout);
}

#[test]
fn on_kubernetes_probes_reach_it_from_outside() {
    let running = started(lab().env("KUBERNETES_SERVICE_HOST", "10.0.0.1"));
    let line: Value = serde_json::from_str(&running.line("status server: ")).unwrap();
    let bound: std::net::SocketAddr = line["address"].as_str().unwrap().parse().unwrap();
    assert!(bound.ip().is_unspecified(), "{bound}");
    let answer = Client::once(([127, 0, 0, 1], bound.port()).into(), "GET", "/livez", "").unwrap();
    assert_eq!(answer.status, 200);
    running.terminate();
    assert_eq!(running.wait().code, Some(0));
}

#[test]
fn systemd_is_told_of_the_start_of_life_and_of_the_stop() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let running = lab().env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "100000").start();
    let heard = || {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    assert!(heard().contains("READY=1"));
    let began = Instant::now();
    for _ in 0..3 {
        assert!(heard().contains("WATCHDOG=1"));
    }
    // Twice as often as asked.
    assert!(began.elapsed() < Duration::from_millis(1000), "{:?}", began.elapsed());
    running.terminate();
    while !heard().contains("STOPPING=1") {}
    assert_eq!(running.wait().code, Some(0));
}

#[test]
fn it_works_as_the_first_process_of_a_container() {
    let unshare = Path::new("/usr/bin/unshare");
    if !unshare.is_file() {
        return eprintln!("left out: there is no `unshare`");
    }
    let program = ["--pid", "--fork", "--kill-child", env!("CARGO_BIN_EXE_lab"), "--set", "resources.status.port=0"];
    let running = program.iter().fold(Program::at(unshare), |unshare, argument| unshare.arg(argument)).start();
    while !running.stdout().contains("running, started in") {
        if running.stderr().contains("not permitted") {
            return eprintln!("left out: this machine does not permit process namespaces");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let id = running.id();
    let child = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    let child = rustix::process::Pid::from_raw(child.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(child, rustix::process::Signal::TERM).unwrap();
    let exit = running.wait();
    assert_eq!(exit.code, Some(0), "{}", exit.stdout);
    assert!(exit.stdout.contains("stopping: received SIGTERM"), "{}", exit.stdout);
}

#[test]
fn a_signal_during_the_start_ends_it_in_order() {
    let running = lab().set("resources.peer.start", "hang").start();
    running.line("status server: ");
    running.terminate();
    let exit = running.wait();
    assert_eq!(exit.code, Some(0), "{}", exit.stdout);
    assert!(exit.took < Duration::from_secs(2), "{:?}", exit.took);
    assert!(last_words(&exit).starts_with("stopped in "), "{}", exit.stdout);
}

#[test]
fn a_service_that_does_its_work_and_leaves_was_started_before() {
    for _ in 0..20 {
        let exit = lab().arg("--once").run();
        assert_eq!(exit.code, Some(0), "{}", exit.stdout);
        let messages: Vec<Value> = log(&exit).into_iter().map(|mut line| line["message"].take()).collect();
        let at = |text: &str| messages.iter().position(|it| it.as_str().is_some_and(|it| it.starts_with(text)));
        assert!(at("running, started in") < at("stopping: task `work` is done"), "{messages:?}");
    }
}

#[test]
fn the_smallest_service_says_hello() {
    let running = Program::example("quickstart")
        .set("resources.status.port", 0)
        .set("resources.http.port", 0)
        .set("microservices.hello.name", "everybody")
        .start();
    let line = running.line("listens on http://");
    let address = line.split("http://").nth(1).and_then(|rest| rest.split(['"', ' ']).next()).unwrap();
    let answer = Client::once(address.parse().unwrap(), "GET", "/", "").unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello, everybody\n"));
    running.terminate();
    assert_eq!(running.wait().code, Some(0));
}
