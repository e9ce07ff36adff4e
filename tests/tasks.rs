//! Tasks and threads: how they end, how they are restarted, what a panic does.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use chassis::{lifecycle::EventKind, prelude::*};
use chassis_tests::no_leaks_paused;

#[microservice(name = "crasher")]
struct Crasher {
    runs: AtomicU32,
    sibling: AtomicU32,
}

#[microservice]
impl Crasher {
    #[task(restart = "on-failure")]
    async fn crash(&self) -> Result<()> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        Err(Error::msg("broken"))
    }

    #[task]
    async fn steady(&self, stop: Shutdown) {
        self.sibling.fetch_add(1, Ordering::Relaxed);
        stop.wait().await;
    }
}

#[test]
fn a_crash_loop_is_restarted_to_the_count_and_escalates_once() {
    no_leaks_paused(async {
        let running = Crasher::builder().start().await.unwrap();
        running.stopping().await;
        let (view, service) = (running.view(), running.service().clone());
        let error = running.stop().await.unwrap_err();
        assert_eq!(service.runs.load(Ordering::Relaxed), 1 + 5);
        assert_eq!(service.sibling.load(Ordering::Relaxed), 1, "its sibling is undisturbed");
        assert_eq!(error.cause().exit_code(), 70);
        assert_eq!(error.to_string(), "task `crash` failed too often: broken");
        let given_up = view.events().iter().filter(|event| matches!(event.kind, EventKind::GaveUp { .. })).count();
        assert_eq!(given_up, 1);
        assert_eq!(view.tasks()["crash"].restarts, 5);
    });
}

#[test]
fn intensity_and_policy_are_settings_too() {
    no_leaks_paused(async {
        let settings = chassis::yaml! {
            microservices: { crasher: { tasks: { crash: { restarts: 2, on_give_up: "degrade" } } } }
        };
        let running = Crasher::builder().settings(settings).start().await.unwrap();
        let mut events = running.events();
        events.find(|kind| matches!(kind, EventKind::GaveUp { what: "crash" }).then_some(())).await.unwrap();
        assert_eq!(running.service().runs.load(Ordering::Relaxed), 1 + 2);
        assert_eq!(running.view().readiness().status(), chassis::HealthStatus::Warn);
        running.stop().await.unwrap();
    });
}

#[test]
fn restart_delays_double_and_have_full_jitter() {
    no_leaks_paused(async {
        let running = Crasher::builder().start().await.unwrap();
        let mut events = running.events();
        let mut ceiling = Duration::from_millis(200);
        for _ in 0..5 {
            let delay = events.find(|kind| match kind {
                EventKind::TaskRestarting { delay, .. } => Some(*delay),
                _ => None,
            });
            let delay = delay.await.unwrap();
            assert!(delay <= ceiling, "{delay:?} is more than {ceiling:?}");
            ceiling *= 2;
        }
        let _ = running.stop().await;
    });
}

#[microservice(name = "panicker")]
struct Panicker {
    #[init(AtomicU32::new(1))]
    panics_left: AtomicU32,
}

#[microservice]
impl Panicker {
    #[task(restart = "always")]
    async fn panic(&self) {
        if self.panics_left.load(Ordering::Relaxed) > 0 {
            self.panics_left.fetch_sub(1, Ordering::Relaxed);
            panic!("boom \n with a newline");
        }
        std::future::pending::<()>().await;
    }
}

#[test]
fn a_panic_is_caught_counted_and_logged_once_with_its_place() {
    no_leaks_paused(async {
        let running = Panicker::builder().start().await.unwrap();
        let mut events = running.events();
        events.find(|kind| matches!(kind, EventKind::TaskRestarting { .. }).then_some(())).await.unwrap();
        let row = &running.view().tasks()["panic"];
        assert_eq!((row.failures, row.restarts), (1, 1));
        let error = row.last_error.clone().unwrap();
        assert!(error.contains("tests/tasks.rs:") && error.contains("boom"), "{error}");
        running.stop().await.unwrap();
    });
}

#[microservice(name = "eager")]
struct Eager {
    runs: AtomicU32,
    long_runs: AtomicU32,
}

#[microservice]
impl Eager {
    #[task(restart = "always")]
    async fn look(&self) {
        self.runs.fetch_add(1, Ordering::Relaxed);
    }

    #[task(restart = "always")]
    async fn work(&self) {
        self.long_runs.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[test]
fn a_task_that_always_returns_at_once_pauses_between_its_runs() {
    no_leaks_paused(async {
        let settings = chassis::yaml! {
            microservices: { eager: { tasks: { look: { backoff_min: "100ms" } } } }
        };
        let running = Eager::builder().settings(settings).start().await.unwrap();
        tokio::time::sleep(Duration::from_millis(1_050)).await;
        assert_eq!(running.service().runs.load(Ordering::Relaxed), 11);
        assert_eq!(running.service().long_runs.load(Ordering::Relaxed), 3, "what takes its time is not held up");
        running.stop().await.unwrap();
    });
}

#[microservice(name = "script")]
struct Script {
    done: AtomicU32,
}

#[microservice]
impl Script {
    #[task(stop_when_done)]
    async fn main(&self) {
        self.done.store(1, Ordering::Relaxed);
    }
}

#[test]
fn a_service_may_do_its_work_and_leave() {
    no_leaks_paused(async {
        let running = Script::builder().start().await.unwrap();
        running.stopping().await;
        assert_eq!(running.service().done.load(Ordering::Relaxed), 1);
        running.stop().await.unwrap();
    });
}

#[microservice(name = "threads")]
struct Threads {
    begun: AtomicU32,
    ended: AtomicU32,
    #[init(false)]
    panics: bool,
}

#[microservice]
impl Threads {
    #[thread]
    fn crunch(&self, stop: Shutdown) {
        assert_eq!(std::thread::current().name(), Some("crunch"));
        self.begun.fetch_add(1, Ordering::Relaxed);
        assert!(!self.panics, "a thread that panics");
        while !stop.wait_timeout(Duration::from_secs(3600)) {}
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    #[thread]
    async fn own_runtime(&self, stop: Shutdown) {
        self.begun.fetch_add(1, Ordering::Relaxed);
        stop.wait().await;
        self.ended.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn threads_have_names_and_are_joined_at_the_stop() {
    chassis_tests::no_leaks(async {
        let running = Threads::builder().start().await.unwrap();
        let service = running.service().clone();
        running.stop().await.unwrap();
        assert_eq!(service.ended.load(Ordering::Relaxed), service.begun.load(Ordering::Relaxed));
        assert_eq!(service.ended.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn a_thread_that_panics_stops_the_service() {
    chassis_tests::no_leaks(async {
        let running = Threads::builder().with(|s| s.panics = true).start().await.unwrap();
        running.stopping().await;
        let error = running.stop().await.unwrap_err();
        assert!(error.to_string().contains("thread `crunch` failed: panicked"), "{error}");
        assert_eq!(error.cause().exit_code(), 70);
    });
}
