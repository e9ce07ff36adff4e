//! The guard that every integration test of a service ends with: nothing is left behind.

use std::{
    collections::BTreeMap,
    env, fs,
    future::Future,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{SignalKind, signal},
};

/// How long what is on its way out may take to be gone.
const PATIENCE: Duration = Duration::from_secs(3);

/// Tells the second run of a test binary that it runs one test alone.
const ALONE: &str = "CHASSIS_TEST_ALONE";

/// Runs a test on a runtime of its own, and fails it when it leaves a task, a thread or a file descriptor behind.
///
/// ```no_run
/// #[test]
/// fn a_service_stops() {
///     chassis_tests::no_leaks(async {
///         // start a service, use it, stop it
///     });
/// }
/// ```
///
/// # Panics
///
/// When the test does, or when something is left.
pub fn no_leaks(test: impl Future<Output = ()>) {
    alone(|| report(leaks(Builder::new_multi_thread().worker_threads(2), test)));
}

/// Like [`no_leaks`] on one thread with the clock paused.
///
/// # Panics
///
/// When the test does, or when something is left.
#[cfg(feature = "paused")]
pub fn no_leaks_paused(test: impl Future<Output = ()>) {
    alone(|| report(leaks(Builder::new_current_thread().start_paused(true), test)));
}

/// What a test leaves behind in this process, in words; it runs on a runtime that `runtime` builds.
pub fn leaks(runtime: &mut Builder, test: impl Future<Output = ()>) -> Vec<String> {
    touch_what_stays();
    let before = Census::take();
    let runtime = build(runtime);
    runtime.block_on(test);
    let tasks = await_tasks(&runtime);
    drop(runtime);

    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = Census::take().beyond(&before);
        if left.is_empty() || Instant::now() > deadline {
            return tasks.into_iter().chain(left).collect();
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Runs `test` where no other test runs: in this process, or by starting it again for this test.
///
/// # Panics
///
/// When `test` does.
pub fn alone(test: impl FnOnce()) {
    if is_alone() { test() } else { run_alone() }
}

fn report(left: Vec<String>) {
    assert!(left.is_empty(), "left behind: {}", left.join(", "));
}

fn build(runtime: &mut Builder) -> Runtime {
    runtime.enable_all().build().unwrap_or_else(|error| panic!("no runtime: {error}"))
}

/// The pipe by which tokio hears of signals is made once and stays; so does whatever the first use of the standard
/// library's random numbers opens.
fn touch_what_stays() {
    let runtime = build(&mut Builder::new_current_thread());
    runtime.block_on(async {
        drop(signal(SignalKind::terminate()));
        tokio::task::yield_now().await;
    });
}

/// Lets the runtime run until its tasks have ended, and tells how many do not.
fn await_tasks(runtime: &Runtime) -> Option<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let tasks = runtime.metrics().num_alive_tasks();
        if tasks == 0 || Instant::now() > deadline {
            return (tasks > 0).then(|| format!("{tasks} × task of the runtime"));
        }
        // Real time, also where tokio's clock is paused.
        runtime.block_on(tokio::task::yield_now());
        thread::sleep(Duration::from_millis(1));
    }
}

/// Threads and file descriptors of this process, by what they are called.
struct Census {
    counts: BTreeMap<String, usize>,
}

impl Census {
    fn take() -> Self {
        let mut counts = BTreeMap::new();
        for thread in entries("/proc/self/task") {
            let name = fs::read_to_string(format!("{thread}/comm")).unwrap_or_default();
            *counts.entry(format!("thread `{}`", name.trim())).or_default() += 1;
        }
        for descriptor in entries("/proc/self/fd") {
            // The folder being read is a descriptor, too, and is closed by now.
            let Ok(target) = fs::read_link(&descriptor) else { continue };
            let target = target.to_string_lossy().into_owned();
            // `socket:[4711]`: the number says nothing.
            let kind = target.split_once(":[").map_or(target.as_str(), |(kind, _)| kind);
            *counts.entry(format!("descriptor of `{kind}`")).or_default() += 1;
        }
        Census { counts }
    }

    fn beyond(&self, before: &Census) -> Vec<String> {
        let surplus = |(name, count): (&String, &usize)| {
            let more = count.saturating_sub(before.counts.get(name).copied().unwrap_or(0));
            (more > 0).then(|| format!("{more} × {name}"))
        };
        self.counts.iter().filter_map(surplus).collect()
    }
}

fn entries(folder: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().map(|entry| entry.path().to_string_lossy().into_owned()).collect()
}

/// Whether no other test runs in this process: nextest's way, or libtest told to use one thread.
fn is_alone() -> bool {
    let by_nextest = env::var("NEXTEST_EXECUTION_MODE").is_ok_and(|mode| mode == "process-per-test");
    by_nextest || env::var_os(ALONE).is_some() || thread::current().name() == Some("main")
}

/// Runs this very test again in a process of its own: beside others, threads and descriptors say nothing.
fn run_alone() {
    let this = thread::current();
    let (Some(name), Ok(program)) = (this.name(), env::current_exe()) else {
        panic!("the leak check runs in the test's own thread");
    };
    let output = Command::new(program).args([name, "--exact", "--nocapture"]).env(ALONE, "1").output();
    match output {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            print!("{}", String::from_utf8_lossy(&output.stdout));
            eprint!("{}", String::from_utf8_lossy(&output.stderr));
            panic!("`{name}` failed in a process of its own");
        }
        Err(error) => panic!("`{name}` in a process of its own: {error}"),
    }
}
