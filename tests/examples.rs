//! The examples, run as their first lines say.

use std::net::SocketAddr;

use chassis_tests::{Client, Program, free_port};

/// An example whose status server gets a port that no other test has.
fn example(name: &str) -> Program {
    Program::example(name).set("resources.status.port", free_port())
}

#[test]
fn a_custom_resource_consumes_and_drains() {
    let running = example("custom_resource").start();
    running.line("sent 6 characters");
    running.terminate();
    assert_eq!(running.wait().code, Some(0));
}

#[test]
fn hooks_run_around_the_phases_in_their_order() {
    let running = example("lifecycle_hooks").start();
    running.line("\"ready\"");
    running.terminate();
    let exit = running.wait();
    assert_eq!(exit.code, Some(0));
    let order = [
        "prices begins to start",
        "catalogue: connected",
        "the catalogue is brought up to date",
        "cache: open with 3 prices",
        "\"ready\"",
        "cache: nobody reads any more",
        "goodbye",
        "catalogue: disconnected",
    ];
    let places: Vec<_> =
        order.iter().map(|text| exit.stdout.find(text).unwrap_or_else(|| panic!("no `{text}`"))).collect();
    assert!(places.is_sorted(), "{}", exit.stdout);
}

#[test]
fn tasks_timers_and_threads_run_and_end() {
    let running = example("tasks").set("microservices.counters.pause", "100ms").start();
    running.line("task `flaky` failed: not yet");
    running.line("one second later");
    running.interrupt();
    let exit = running.wait();
    assert_eq!(exit.code, Some(0));
    assert!(exit.stdout.contains("the last count is"), "{}", exit.stdout);
    assert!(exit.stdout.contains("crunched"), "{}", exit.stdout);
}

#[test]
fn a_failing_resource_is_restarted_with_what_depends_on_it() {
    let settings = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/restart_policies/settings.yml");
    let running = example("restart_policies").arg("--settings").arg(settings).start();
    running.line("resource `sensor` failed");
    running.line("display: off");
    running.line("resource `sensor` works again");
    running.terminate();
    assert_eq!(running.wait().code, Some(0));
}

#[test]
fn a_failing_resource_ends_the_service_where_the_policy_says_so() {
    let policy = "resources.status.restart_policy.resources.restart_microservice_on_failure";
    let exit = example("restart_policies").set(policy, "all").run();
    assert_eq!(exit.code, Some(70), "{}", exit.stdout);
}

#[test]
fn a_worker_tries_again_and_gives_up() {
    let running = example("mail_worker").start();
    running.line("sent 6 letters to you@example.org at attempt 1");
    running.line("sent 6 letters to busy@example.org at attempt 2");
    running.line("the e-mail to nobody was given up: `nobody` is no address");
    running.terminate();
    let exit = running.wait();
    assert_eq!(exit.code, Some(0));
    assert!(exit.stdout.contains("the mailbox is busy; attempt 1 of 3, again in "), "{}", exit.stdout);
}

#[test]
fn requests_are_answered_refused_and_given_up() {
    let exit = example("quotes").run();
    assert_eq!(exit.code, Some(0), "{}", exit.stdout);
    for line in ["2 of apple: 60 cents", "2 of stone: there is no stone", "2 of melon: no answer yet"] {
        assert!(exit.stdout.contains(line), "no `{line}` in {}", exit.stdout);
    }
}

#[test]
fn a_pipeline_of_three_services_runs_in_one_process() {
    let running = example("pipeline").start();
    running.line("order 1 is on its way, for 750 cents");
    running.line("order 2 is on its way, for 750 cents");
    running.terminate();
    assert_eq!(running.wait().code, Some(0));
}

#[test]
fn a_script_uses_resources_and_ends() {
    let exit = Program::example("script").arg("Ada").run();
    assert_eq!((exit.code, exit.stdout.as_str()), (Some(0), "Hello, Ada!\n"));
}

#[test]
fn two_servers_have_separate_settings() {
    let (public, staff) = (free_port(), free_port());
    let running =
        example("two_servers").set("resources.public.port", public).set("resources.staff.port", staff).start();
    running.line("running, started in");
    let closed = Client::once(address(staff), "PUT", "/open", "false").unwrap();
    assert_eq!(closed.status, 415, "a body of no type is not JSON");
    let mut client = Client::connect(address(staff)).unwrap();
    let json = [("content-type", "application/json")];
    assert_eq!(client.send("PUT", "/open", &json, "false").unwrap().status, 200);
    assert_eq!(Client::once(address(public), "GET", "/", "").unwrap().body, b"closed");
    running.terminate();
    assert_eq!(running.wait().code, Some(0));
}

fn address(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}
