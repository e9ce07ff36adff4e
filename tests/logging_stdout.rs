//! Standard output of a service: one line per record from the first one on, never waited for, never in the way.
//!
//! Each test runs itself in a process of its own, so that its standard output is a pipe to look at or to neglect.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    env,
    io::Read,
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use chassis::{
    logging::{FieldName, Line, LogFormat, LoggingSettings, Logs, Value},
    prelude::*,
};
use chassis_tests::no_leaks;
use serde_json::Value as Json;
use tracing::Level;

const ENOUGH: Duration = Duration::from_secs(20);

/// Whether this is the process that logs.
const CHILD: &str = "CHASSIS_TEST_LOGS";

fn is_child() -> bool {
    env::var_os(CHILD).is_some()
}

/// Runs the calling test in a process of its own.
fn child() -> (Child, ChildStdout) {
    let name = std::thread::current().name().unwrap().to_owned();
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([name.as_str(), "--exact", "--nocapture"]).env(CHILD, "1").stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let stdout = child.stdout.take().unwrap();
    (child, stdout)
}

/// The log, without what the test harness says around it.
fn read(mut stdout: ChildStdout) -> Vec<Json> {
    let mut text = String::new();
    stdout.read_to_string(&mut text).unwrap();
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn say(logs: &Logs, number: u64, padding: &str) {
    let fields = &[
        (const { &FieldName::new("number") }, Value::U64(number)),
        (const { &FieldName::new("padding") }, Value::Str(padding)),
    ];
    logs.line(&Line { level: Level::INFO, target: "test", message: "counting", unit: None, fields });
}

#[test]
fn a_pipe_gets_json_from_the_very_first_line() {
    if is_child() {
        let logs = Logs::provisional("orders");
        say(&logs, 1, "");
        assert!(logs.flush(ENOUGH));
        logs.configure(&LoggingSettings { format: LogFormat::Logfmt, ..LoggingSettings::default() });
        say(&logs, 2, "");
        return;
    }
    let (mut child, mut stdout) = child();
    let mut text = String::new();
    stdout.read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success());
    let log: Vec<&str> = text.lines().filter(|line| line.contains("counting")).collect();
    let first: Json = serde_json::from_str(log[0]).unwrap();
    assert_eq!((&first["number"], &first["service_name"]), (&1.into(), &"orders".into()));
    assert!(log[1].starts_with("time=\"") && log[1].contains("level=INFO target=test message=counting"), "{}", log[1]);
    assert_eq!(log.len(), 2);
}

#[test]
fn nobody_who_reads_means_dropped_lines_and_no_waiting() {
    const LINES: u64 = 40_000;
    let padding = "x".repeat(1_000);
    if is_child() {
        let logs = Logs::provisional("orders");
        let start = Instant::now();
        for number in 0..LINES {
            say(&logs, number, &padding);
        }
        // The parent reads only once it sees this on standard error.
        eprintln!("said in {:?}", start.elapsed());
        assert!(logs.dropped() > 0);
        assert!(logs.flush(ENOUGH));
        say(&logs, LINES, "");
        assert!(logs.flush(ENOUGH));
        let told = &[
            (const { &FieldName::new("all") }, Value::U64(LINES + 1)),
            (const { &FieldName::new("dropped") }, Value::U64(logs.dropped())),
        ];
        logs.line(&Line { level: Level::INFO, target: "test", message: "sum", unit: None, fields: told });
        assert!(start.elapsed() < ENOUGH);
        return;
    }
    let name = std::thread::current().name().unwrap().to_owned();
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([name.as_str(), "--exact", "--nocapture"]).env(CHILD, "1");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0];
    child.stderr.as_mut().unwrap().read_exact(&mut first).unwrap();
    let records = read(child.stdout.take().unwrap());
    assert!(child.wait().unwrap().success());

    let sum = records.iter().find(|record| record["message"] == "sum").unwrap();
    let numbers: Vec<u64> = records.iter().filter_map(|record| record["number"].as_u64()).collect();
    assert!(numbers.is_sorted());
    assert_eq!(numbers.len() as u64 + sum["dropped"].as_u64().unwrap(), sum["all"].as_u64().unwrap());
    // Of all that were dropped one line tells, or few, if some lines found room in between.
    let told: u64 = records.iter().filter_map(|record| record["count"].as_u64()).sum();
    assert_eq!(told, sum["dropped"].as_u64().unwrap());
}

#[test]
fn a_reader_that_goes_away_takes_nothing_with_it() {
    if is_child() {
        let logs = Logs::provisional("orders");
        let start = Instant::now();
        while logs.dropped() == 0 {
            say(&logs, 1, "");
            assert!(start.elapsed() < ENOUGH);
        }
        // Nothing waits for a destination that is gone.
        assert!(logs.flush(ENOUGH));
        assert!(start.elapsed() < ENOUGH);
        eprintln!("still here");
        return;
    }
    let name = std::thread::current().name().unwrap().to_owned();
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([name.as_str(), "--exact", "--nocapture"]).env(CHILD, "1");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The test harness does not survive a closed pipe: it may say its part first.
    let mut stdout = child.stdout.take().unwrap();
    let mut byte = [0];
    while byte != *b"{" {
        stdout.read_exact(&mut byte).unwrap();
    }
    drop(stdout);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert!(stderr.contains("still here"), "{stderr}");
    let _ = child.wait();
}

#[microservice(name = "plain")]
struct Plain;

#[microservice]
impl Plain {}

#[test]
fn the_thread_that_writes_ends_with_the_last_service() {
    no_leaks(async {
        let one = Plain::builder().log_to_stdout().start().await.unwrap();
        let other = Plain::builder().log_to_stdout().start().await.unwrap();
        let name = |running: &chassis::Running<Plain>| running.context().scope().service().to_owned();
        assert_eq!(name(&one), name(&other));
        for running in [one, other] {
            say(&running.logs(), 1, "");
            running.stop().await.unwrap();
        }
    });
}

#[test]
fn several_services_share_standard_output_line_by_line() {
    const LINES: u64 = 5_000;
    if is_child() {
        let services: Vec<Logs> = (0..4).map(|number| Logs::provisional(&format!("service-{number}"))).collect();
        std::thread::scope(|scope| {
            for logs in &services {
                scope.spawn(move || (0..LINES).for_each(|number| say(logs, number, "")));
            }
        });
        // Not flushed: the end of the last service does.
        return;
    }
    let (mut child, stdout) = child();
    let records = read(stdout);
    assert!(child.wait().unwrap().success());
    for service in 0..4 {
        let of = format!("service-{service}");
        let numbers = records.iter().filter(|record| record["service_name"] == of.as_str());
        assert!(numbers.filter_map(|record| record["number"].as_u64()).eq(0..LINES), "{of}");
    }
}
