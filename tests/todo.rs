//! The to-do service, as its users see it: one contract, whatever keeps the tasks.

use std::{
    io,
    net::SocketAddr,
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use chassis_tests::{Answer, Client, Program, Running, free_port};
use serde_json::{Value, json};

// The schema that the server checks bodies with is the one these tests check its answers with.
#[allow(unreachable_pub, reason = "the example reads as a library would")]
#[path = "../examples/todo/task.rs"]
mod task;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const JSON: (&str, &str) = ("content-type", "application/json");

/// A to-do service at work.
struct Todo {
    running: Running,
    address: SocketAddr,
}

impl Todo {
    fn start(engine: &str, folder: &Path) -> Self {
        Self::start_with(engine, folder, |program| program)
    }

    fn start_with(engine: &str, folder: &Path, change: impl FnOnce(Program) -> Program) -> Self {
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

    fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        Client::connect(self.address).unwrap().send(method, target, headers, body).unwrap()
    }

    fn add(&self, body: &Value) -> String {
        let answer = self.ask("POST", "/tasks", &[JSON], &body.to_string());
        assert_eq!(answer.status, 201);
        location(&answer)
    }

    fn list(&self) -> Value {
        json_of(&self.ask("GET", "/tasks", &[], ""))
    }

    fn stop(self) {
        self.running.terminate();
        assert_eq!(self.running.wait().code, Some(0));
    }
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

fn location(answer: &Answer) -> String {
    let location = header(answer, "location").expect("a created task has a place");
    let id = location.strip_prefix("/tasks/").expect("below /tasks");
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    location.to_owned()
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {:?}", answer.body))
}

/// A problem document with everything it must say.
fn problem(answer: &Answer, status: u16, method: &str, uri: &str) -> Value {
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

/// Kills the service while it writes; every task it acknowledged is there and whole, and no half one is.
fn survives_kills(engine: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged: Vec<(String, String)> = Vec::new();
    for round in 0..5 {
        let todo = Todo::start(engine, folder.path());
        let list = todo.list();
        for (id, title) in &acknowledged {
            assert_eq!(list[id]["title"], title.as_str(), "round {round}: {id} is lost");
        }
        for (id, task) in list.as_object().unwrap() {
            let title = task["title"].as_str().unwrap();
            assert!(title.len() > 1000 && title.ends_with("end"), "round {round}: {id} is half of a task");
        }
        let is_killed = AtomicBool::new(false);
        let written = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..4)
                .map(|writer| {
                    let (todo, is_killed) = (&todo, &is_killed);
                    scope.spawn(move || write_until_killed(todo, is_killed, &format!("{round}-{writer}")))
                })
                .collect();
            std::thread::sleep(Duration::from_millis(100 + 37 * round));
            todo.running.kill();
            is_killed.store(true, Ordering::Release);
            writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(!written.is_empty(), "nothing was written in round {round}");
        acknowledged.extend(written);
    }
}

fn write_until_killed(todo: &Todo, is_killed: &AtomicBool, name: &str) -> Vec<(String, String)> {
    let mut acknowledged = Vec::new();
    let mut client = match Client::connect(todo.address) {
        Ok(client) => client,
        Err(_) => return acknowledged,
    };
    for count in 0.. {
        if is_killed.load(Ordering::Acquire) {
            break;
        }
        let title = format!("{name}-{count}-{}-end", "x".repeat(2000));
        let body = json!({ "title": title }).to_string();
        let Ok(answer) = client.send("POST", "/tasks", &[JSON], &body) else { break };
        if answer.status == 201 {
            acknowledged.push((location(&answer).trim_start_matches("/tasks/").to_owned(), title));
        }
    }
    acknowledged
}

#[test]
fn a_kill_during_writes_leaves_no_half_task_in_files() {
    survives_kills("fs");
}

#[test]
fn a_kill_during_writes_leaves_no_half_task_in_sqlite() {
    survives_kills("sqlite");
}

/// A file system of 256 KiB, gone when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let status =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).arg(folder.path()).status()?;
        assert!(status.success(), "this test mounts a small file system: run it as root");
        Ok(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_a_507_and_leaves_no_half_file() {
    let disk = SmallDisk::mount().unwrap();
    let todo = Todo::start("fs", disk.0.path());
    let body = json!({ "title": "x".repeat(20_000) });
    let mut added = 0;
    let refused = loop {
        let answer = todo.ask("POST", "/tasks", &[JSON], &body.to_string());
        match answer.status {
            201 => added += 1,
            _ => break answer,
        }
        assert!(added < 100, "the disk is never full");
    };
    problem(&refused, 507, "POST", "/tasks");
    assert_eq!(todo.list().as_object().unwrap().len(), added);
    let files = std::fs::read_dir(disk.0.path().join("tasks")).unwrap().count();
    assert_eq!(files, added, "nothing unfinished is left");
    todo.stop();
}

#[test]
fn a_damaged_task_is_left_out_of_the_list_and_told_once_per_change() {
    let folder = tempfile::tempdir().unwrap();
    let todo = Todo::start("fs", folder.path());
    let whole = todo.add(&json!({ "title": "whole" }));
    let damaged = todo.add(&json!({ "title": "damaged" }));
    let id = damaged.trim_start_matches("/tasks/");
    let file = folder.path().join("tasks").join(format!("{id}.json"));
    let list = json!({ whole.trim_start_matches("/tasks/"): json_of(&todo.ask("GET", &whole, &[], "")) });

    let contents = [("{\"title\": \"half", "EOF while parsing"), ("[]", "invalid length 0")];
    for (round, (content, why)) in contents.into_iter().enumerate() {
        std::fs::write(&file, content).unwrap();
        for _ in 0..3 {
            assert_eq!(todo.list(), list);
            let problem = problem(&todo.ask("GET", &damaged, &[], ""), 500, "GET", &damaged);
            assert!(!problem.to_string().contains(folder.path().to_str().unwrap()), "{problem}");
        }
        todo.running.line(why);
        let lines = todo.running.stdout();
        let told: Vec<&str> = lines.lines().filter(|line| line.contains("is damaged, and left out")).collect();
        assert_eq!(told.len(), round + 1, "{lines}");
        let told: Value = serde_json::from_str(told[round]).unwrap();
        assert_eq!((&told["level"], &told["path"]), (&json!("ERROR"), &json!(file)));
    }
    assert_eq!(todo.ask("PUT", &damaged, &[JSON], r#"{"title": "new"}"#).status, 204, "it may be replaced");
    assert_eq!(todo.list().as_object().unwrap().len(), 2);
    todo.stop();
}

#[test]
fn a_store_whose_folder_is_gone_is_not_well() {
    let folder = tempfile::tempdir().unwrap();
    let status = free_port();
    let todo = Todo::start_with("fs", folder.path(), |program| {
        program.set("resources.status.port", status).set("lifecycle.health_interval", "50ms")
    });
    let tasks = folder.path().join("tasks");
    std::fs::remove_dir_all(&tasks).unwrap();
    let expected = format!("cannot read the folder `{}`", tasks.display());
    todo.running.line(&expected);
    let mut client = Client::connect(([127, 0, 0, 1], status).into()).unwrap();
    let health = json_of(&client.send("GET", "/readyz", &[], "").unwrap());
    let store = &health["checks"]["store:state"][0];
    assert_eq!(store["status"], "fail", "{health}");
    assert!(store["output"].as_str().unwrap().starts_with(&expected), "{health}");
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
fn a_store_that_cannot_be_opened_is_a_wrong_setting() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "no folder").unwrap();
    for engine in ["fs", "sqlite"] {
        let exit = Program::example("todo")
            .set("resources.store.engine", engine)
            .set("resources.store.path", file.join("below").display())
            .set("resources.http.port", 0)
            .set("resources.status.port", 0)
            .run();
        assert_eq!(exit.code, Some(78), "{engine}: {}", exit.stdout);
    }
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
