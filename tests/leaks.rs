//! The guard against leaks sees what it is there for.

use std::{fs, future::Future, sync::mpsc, thread, time::Duration};

use chassis_tests::{alone, leaks, no_leaks, no_leaks_paused};
use tokio::runtime::Builder;

#[test]
fn a_test_that_cleans_up_passes() {
    no_leaks(async {
        let task = tokio::spawn(async { fs::File::open("/proc/self/stat") });
        assert!(task.await.is_ok());
    });
}

#[test]
fn a_clock_that_is_paused_does_not_matter() {
    no_leaks_paused(async {
        tokio::time::sleep(Duration::from_secs(3600)).await;
    });
}

#[test]
fn a_thread_left_behind_is_named() {
    alone(|| {
        let (end, wait) = mpsc::channel::<()>();
        let left = left_by(async {
            let forgotten = thread::Builder::new().name("forgotten".to_owned());
            assert!(forgotten.spawn(move || wait.recv()).is_ok());
        });
        drop(end);
        assert_eq!(left, ["1 × thread `forgotten`"]);
    });
}

#[test]
fn a_descriptor_left_behind_is_named() {
    alone(|| {
        let left = left_by(async { std::mem::forget(fs::File::open("/proc/version")) });
        assert_eq!(left, ["1 × descriptor of `/proc/version`"]);
    });
}

#[test]
fn a_task_left_behind_is_counted() {
    alone(|| {
        let left = left_by(async { drop(tokio::spawn(std::future::pending::<()>())) });
        assert_eq!(left, ["1 × task of the runtime"]);
    });
}

fn left_by(test: impl Future<Output = ()>) -> Vec<String> {
    leaks(&mut Builder::new_current_thread(), test)
}
