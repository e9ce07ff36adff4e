//! The to-do service, as its users see it: one contract, whatever keeps the tasks.

use std::{net::SocketAddr, path::Path, time::Duration};

use chassis_tests::{Answer, Client, Program, Running, free_port};
use serde_json::{Value, json};

// The schema that the server checks bodies with is the one these tests check its answers with.
#[allow(unreachable_pub, reason = "the example reads as a library would")]
#[path = "../examples/todo/task.rs"]
mod task;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");

/// A to-do service at work.
pub(crate) struct Todo {
    pub(crate) running: Running,
    pub(crate) address: SocketAddr,
}

impl Todo {
    pub(crate) fn start(engine: &str, folder: &Path) -> Self {
        Self::start_with(engine, folder, |program| program)
    }

    pub(crate) fn start_with(engine: &str, folder: &Path, change: impl FnOnce(Program) -> Program) -> Self {
        let port = free_port();
        let path = folder.join(if engine == "sqlite" { "todo.db" } else { "tasks" });
        let program = Program::example("todo")
            .set("resources.http.port", port)
            .set("resources.status.port", free_port())
            .set("resources.store.engine", engine)
            .set("resources.store.path", path.display());
        let mut running = change(program).start();
        running.port(port);
        Self { running, address: ([127, 0, 0, 1], port).into() }
    }

    pub(crate) fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        Client::connect(self.address).unwrap().send(method, target, headers, body).unwrap()
    }

    pub(crate) fn add(&self, body: &Value) -> String {
        let answer = self.ask("POST", "/tasks", &[JSON], &body.to_string());
        assert_eq!(answer.status, 201);
        location(&answer)
    }

    pub(crate) fn list(&self) -> Value {
        json_of(&self.ask("GET", "/tasks", &[], ""))
    }

    pub(crate) fn stop(self) {
        self.running.terminate();
        assert_eq!(self.running.wait().code, Some(0));
    }
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

pub(crate) fn location(answer: &Answer) -> String {
    let location = header(answer, "location").expect("a created task has a place");
    let id = location.strip_prefix("/tasks/").expect("below /tasks");
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    location.to_owned()
}

pub(crate) fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {:?}", answer.body))
}

/// A problem document with everything it must say.
pub(crate) fn problem(answer: &Answer, status: u16, method: &str, uri: &str) -> Value {
    assert_eq!(answer.status, status, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(header(answer, "content-type"), Some("application/problem+json"));
    let problem = json_of(answer);
    assert_eq!(problem["status"], status);
    assert_eq!(problem["code"], status);
    assert_eq!(problem["method"], method);
    assert_eq!(problem["uri"], uri);
    assert!(problem["message"].is_string() && problem["title"].is_string(), "{problem}");
    problem
}

fn contract(engine: &str) {
    let folder = tempfile::tempdir().unwrap();
    let todo = Todo::start(engine, folder.path());
    assert_eq!(todo.list(), json!({}), "no task is an empty object");

    // As `curl -d` sends it, and with every default.
    let answer = todo.ask("POST", "/tasks", &[FORM], r#"{"title": "Task1"}"#);
    assert_eq!(answer.status, 201);
    let first = location(&answer);
    let told = json_of(&todo.ask("GET", &first, &[], ""));
    let defaults = json!({ "title": "Task1", "description": "", "priority": "normal", "completed": false });
    assert_eq!(told, defaults);

    let full = json!({
        "title": "Täsk \u{1f600} \"2\"\n", "description": "all of it", "priority": "urgent", "completed": true,
        "due_date": 1_750_000_000.5,
    });
    let second = todo.add(&full);
    assert_eq!(json_of(&todo.ask("GET", &second, &[], "")), full);
    assert_eq!(json_of(&todo.ask("GET", &format!("{second}/"), &[], "")), full, "a trailing slash is accepted");
    let list = todo.list();
    assert_eq!(list.as_object().unwrap().len(), 2);
    assert_eq!(list[second.trim_start_matches("/tasks/")], full);

    let replaced = todo.ask("PUT", &first, &[JSON], r#"{"title": "new", "priority": "low"}"#);
    assert_eq!((replaced.status, replaced.body.len()), (204, 0));
    assert_eq!(json_of(&todo.ask("GET", &first, &[], ""))["title"], "new");

    let forgotten = todo.ask("DELETE", &first, &[], "");
    assert_eq!((forgotten.status, forgotten.body.len()), (204, 0));
    for (method, body) in [("GET", ""), ("PUT", r#"{"title": "x"}"#), ("DELETE", "")] {
        problem(&todo.ask(method, &first, &[JSON], body), 404, method, &first);
        problem(&todo.ask(method, "/tasks/nonsense", &[JSON], body), 404, method, "/tasks/nonsense");
    }
    todo.stop();

    let todo = Todo::start(engine, folder.path());
    let kept = if engine == "memory" { json!({}) } else { json!({ second.trim_start_matches("/tasks/"): full }) };
    assert_eq!(todo.list(), kept, "what a restart keeps");
    todo.stop();
}

#[test]
fn the_contract_holds_in_memory() {
    contract("memory");
}

#[test]
fn the_contract_holds_in_files_across_a_restart() {
    contract("fs");
}

#[test]
fn the_contract_holds_in_sqlite_across_a_restart() {
    contract("sqlite");
}

#[test]
fn bad_requests_get_a_problem_that_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let todo = Todo::start("memory", folder.path());
    let post = |body: &str| todo.ask("POST", "/tasks", &[JSON], body);
    for (body, pointer) in [
        (r#"{}"#, ""),
        (r#"{"title": 5}"#, "/title"),
        (r#"{"title": null}"#, "/title"),
        (r#"{"title": "x", "priority": "soon"}"#, "/priority"),
        (r#"{"title": "x", "completed": "yes"}"#, "/completed"),
        (r#"{"title": "x", "due_date": "tomorrow"}"#, "/due_date"),
        (r#"{"title": "x", "colour": "red"}"#, "/colour"),
    ] {
        let problem = problem(&post(body), 422, "POST", "/tasks");
        let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|fault| &fault["pointer"]).collect();
        assert!(pointers.iter().any(|found| found.as_str().unwrap().starts_with(pointer)), "{body}: {problem}");
    }
    let both = problem(&post(r#"{"title": 5, "colour": 1}"#), 422, "POST", "/tasks");
    assert_eq!(both["errors"].as_array().unwrap().len(), 2, "all faults at once");
    problem(&post("not json"), 400, "POST", "/tasks");
    problem(&post(""), 400, "POST", "/tasks");
    problem(&post(&"[".repeat(100_000)), 400, "POST", "/tasks");
    problem(&todo.ask("PATCH", "/tasks", &[], ""), 405, "PATCH", "/tasks");
    problem(&todo.ask("GET", "/nowhere?x=1", &[], ""), 404, "GET", "/nowhere?x=1");
    let large = format!(r#"{{"title": "{}"}}"#, "x".repeat(4 << 20));
    problem(&post(&large), 413, "POST", "/tasks");
    assert_eq!(todo.list(), json!({}), "the service lives on");
    todo.stop();
}

#[test]
fn the_trace_of_a_problem_is_for_developers_only() {
    let folder = tempfile::tempdir().unwrap();
    for (profile, has_trace) in [("PRODUCTION", false), ("DEVELOP", true)] {
        let todo = Todo::start_with("memory", folder.path(), |program| program.set("logging.profile", profile));
        let problem = problem(&todo.ask("POST", "/tasks", &[JSON], "{"), 400, "POST", "/tasks");
        assert_eq!(problem.get("trace").is_some(), has_trace, "{problem}");
        todo.stop();
    }
}

#[test]
fn each_request_is_one_line_and_two_for_developers() {
    let folder = tempfile::tempdir().unwrap();
    let todo = Todo::start_with("memory", folder.path(), |program| program.set("logging.profile", "DEVELOP"));
    let answer = todo.ask("GET", "/tasks?secret=x%0ay", &[("x-request-id", "abc-123")], "");
    assert_eq!(header(&answer, "x-request-id"), Some("abc-123"));
    let request: Value = serde_json::from_str(&todo.running.line("\"REQUEST\"")).unwrap();
    let response: Value = serde_json::from_str(&todo.running.line("\"RESPONSE\"")).unwrap();
    assert_eq!((&request["level"], &response["level"]), (&json!("DEBUG"), &json!("INFO")));
    for line in [&request, &response] {
        assert_eq!(line["req_id"], "abc-123");
        assert_eq!(line["method"], "GET");
        assert_eq!(line["uri"], "/tasks?secret=x%0ay");
        assert_eq!(line["ip"], "127.0.0.1");
        assert_eq!(line["service_name"], "todo");
    }
    assert_eq!(response["status"], 200);
    assert_eq!(response["route"], "/tasks");
    assert_eq!(response["outcome"], "ok");
    assert!(response["time_ms"].is_number() && response["bytes_out"] == 2, "{response}");
    todo.stop();
}

#[test]
fn the_schema_of_a_task_is_the_one_in_the_api_description() {
    let folder = tempfile::tempdir().unwrap();
    let todo = Todo::start("memory", folder.path());
    let description = json_of(&todo.ask("GET", "/openapi.json", &[], ""));
    let served = &description["components"]["schemas"]["Task"];
    let shared = serde_json::to_value(schemars::schema_for!(task::Task)).unwrap();
    assert_eq!(served["required"], shared["required"]);
    assert_eq!(served["additionalProperties"], shared["additionalProperties"]);
    let names = |schema: &Value| schema["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(served), names(&shared));
    todo.stop();
}

#[test]
fn contradictory_settings_are_told_at_once_and_end_with_78() {
    let exit = Program::example("todo")
        .set("resources.store.engine", "fs")
        .set("resources.http.prot", 80)
        .set("logging.profile", "LOUD")
        .run();
    assert_eq!(exit.code, Some(78));
    // Engine `fs` has no path: what contradicts itself is in the same report.
    let own = "resources.store`: engine `Fs` needs a `path`";
    for text in ["resources.http.prot", "port", "logging.profile", "LOUD", own] {
        assert!(exit.stderr.contains(text), "no `{text}` in:\n{}", exit.stderr);
    }
    assert!(exit.lived < Duration::from_secs(1), "{:?}", exit.lived);
}

#[test]
fn a_port_in_use_is_told_with_its_address_and_ends_with_69() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let exit =
        Program::example("todo").set("resources.http.port", port).set("resources.status.port", free_port()).run();
    assert_eq!(exit.code, Some(69), "{}", exit.stdout);
    assert!(exit.stdout.contains(&format!("127.0.0.1:{port}")), "{}", exit.stdout);
    assert!(exit.lived < Duration::from_secs(5), "it is not retried: {:?}", exit.lived);
}
