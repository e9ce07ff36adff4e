//! The to-do service under tools of others: a client that makes requests up from its description, and the README's.

use std::{path::Path, process::Command};

use chassis_tests::{Program, free_port, tool};

#[test]
fn schemathesis_finds_nothing_wrong_with_the_api() {
    let Some(schemathesis) = tool("schemathesis") else { return };
    let port = free_port();
    let mut todo =
        Program::example("todo").set("resources.http.port", port).set("resources.status.port", free_port()).start();
    todo.port(port);
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(schemathesis)
        .arg("run")
        .arg(format!("http://127.0.0.1:{port}/openapi.json"))
        .args(["--checks", "all", "--max-examples", "40", "--seed", "7", "--workers", "1", "--no-color"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    todo.terminate();
    assert_eq!(todo.wait().code, Some(0));
}

/// Runs every `curl` line of the README's console sessions, against the example it belongs to on other ports.
#[test]
fn the_sessions_of_the_readme_do_what_they_say() {
    let Some(curl) = tool("curl") else { return };
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let [quickstart, todo] = ["quickstart", "todo"].map(|example| {
        let (port, status) = (free_port(), free_port());
        let program = Program::example(example).set("resources.http.port", port).set("resources.status.port", status);
        let mut program = program.start();
        program.port(port);
        (program, port, status)
    });
    let sessions: Vec<_> = readme.lines().filter_map(|line| line.strip_prefix("$ curl ")).collect();
    assert!(sessions.len() >= 4, "the README shows how to talk to both services");
    for session in sessions {
        let (_, port, status) = if session.contains("/tasks") { &todo } else { &quickstart };
        let session = session.replace("127.0.0.1:8080", &format!("127.0.0.1:{port}"));
        let session = session.replace("127.0.0.1:5747", &format!("127.0.0.1:{status}"));
        let command = format!("{} -sS --fail {session}", curl.display());
        let output = Command::new("sh").arg("-c").arg(&command).output().unwrap();
        assert!(output.status.success(), "{session}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).len() > 2, "{session} answers nothing");
    }
    for (program, ..) in [quickstart, todo] {
        program.terminate();
        assert_eq!(program.wait().code, Some(0));
    }
}
