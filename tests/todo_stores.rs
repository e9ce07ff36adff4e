//! What the to-do service keeps its tasks in, when the process is killed, the disk is full, or somebody meddles with it.

use std::{
    io,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use chassis_tests::{Client, Program, free_port};
use serde_json::{Value, json};

use crate::todo::{JSON, Todo, json_of, location, problem};

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
