//! How a service starts, and how a start that fails is taken back.

use std::time::Duration;

use chassis::{lifecycle::Phase, prelude::*};
use chassis_tests::{Fault, Journal, Probe, no_leaks_paused};
use tokio::time::Instant;

/// Four resources in a diamond, and one that stands alone.
#[microservice(name = "diamond")]
struct Diamond {
    journal: Journal,
    #[resource]
    bottom: Probe,
    #[resource(after = [bottom])]
    left: Probe,
    #[resource(after = [bottom])]
    right: Probe,
    #[resource(after = [left, right])]
    top: Probe,
    #[resource]
    alone: Probe,
}

#[microservice]
impl Diamond {
    #[after(start, bottom)]
    async fn migrate(&self) {
        self.journal.write("migrate");
    }

    #[before(start)]
    async fn first(&self) {
        self.journal.write("before start");
    }

    #[after(open)]
    async fn last(&self) {
        self.journal.write("after open");
    }

    #[before(stop)]
    async fn goodbye(&self) {
        self.journal.write("before stop");
    }

    #[task]
    async fn work(&self, stop: Shutdown) {
        self.journal.write("task begins");
        stop.wait().await;
        self.journal.write("task ends");
    }
}

fn diamond(journal: &Journal) -> chassis::Builder<Diamond> {
    let journal = journal.clone();
    Diamond::builder().with(move |s| {
        s.journal = journal.clone();
        for probe in [&mut s.bottom, &mut s.left, &mut s.right, &mut s.top, &mut s.alone] {
            *probe = Probe::new(&journal);
        }
    })
}

#[test]
fn phases_follow_each_other_and_dependencies_come_first() {
    no_leaks_paused(async {
        let journal = Journal::default();
        let running = diamond(&journal).start().await.unwrap();
        assert!(journal.at("before start") < journal.at("start bottom"));
        assert!(journal.at("start bottom") < journal.at("migrate"));
        assert!(journal.at("migrate") < journal.at("start left").min(journal.at("start right")));
        assert!(journal.at("start left").max(journal.at("start right")) < journal.at("start top"));
        for probe in ["bottom", "left", "right", "top", "alone"] {
            assert!(journal.at(&format!("pre_start {probe}")) < journal.at("before start"));
            assert!(journal.at(&format!("start {probe}")) < journal.at("post_start bottom"));
            assert!(journal.at(&format!("post_start {probe}")) < journal.at("open bottom"));
        }
        assert!(journal.at("open top") < journal.at("after open"));

        running.stop().await.unwrap();
        assert!(journal.at("close top") < journal.at("close left"));
        assert!(journal.at("close bottom") < journal.at("drain top"));
        assert!(journal.at("drain bottom") < journal.at("task ends"));
        assert!(journal.at("task ends") < journal.at("before stop"));
        assert!(journal.at("before stop") < journal.at("stop top"));
        assert!(journal.at("stop top") < journal.at("stop left").min(journal.at("stop right")));
        assert!(journal.at("stop left").max(journal.at("stop right")) < journal.at("stop bottom"));
        assert!(journal.at("stop bottom") < journal.at("post_stop top"));
    });
}

/// Fails one resource after the other; whatever was started must be stopped, in reverse.
#[test]
fn a_failed_start_stops_what_was_started_in_reverse() {
    for failing in ["bottom", "left", "right", "top", "alone"] {
        no_leaks_paused(async move {
            let journal = Journal::default();
            let error = diamond(&journal)
                .with(move |s| {
                    let probe = match failing {
                        "bottom" => &mut s.bottom,
                        "left" => &mut s.left,
                        "right" => &mut s.right,
                        "top" => &mut s.top,
                        _ => &mut s.alone,
                    };
                    probe.set_fault(Phase::Start, Fault::Crash, u32::MAX);
                })
                .start()
                .await
                .unwrap_err();
            assert_eq!(error.to_string(), format!("resource `{failing}` failed in `start`: broken"));
            let started: Vec<_> = journal.of("start").into_iter().filter(|name| name != failing).collect();
            let mut stopped = journal.of("stop");
            for (dependent, dependency) in [("left", "bottom"), ("right", "bottom"), ("top", "left"), ("top", "right")]
            {
                let at = |name: &str| stopped.iter().position(|stopped| stopped == name);
                if let (Some(dependent), Some(dependency)) = (at(dependent), at(dependency)) {
                    assert!(dependent < dependency, "{stopped:?}");
                }
            }
            let mut expected = started;
            expected.sort();
            stopped.sort();
            assert_eq!(stopped, expected, "exactly what was started is stopped");
            assert!(journal.of("open").is_empty(), "nothing is taken in");
        });
    }
}

#[test]
fn all_problems_of_a_start_are_told_at_once() {
    no_leaks_paused(async {
        let journal = Journal::default();
        let error = diamond(&journal)
            .with(|s| {
                s.left.set_fault(Phase::Start, Fault::Misconfigured, u32::MAX);
                s.right.set_fault(Phase::Start, Fault::Panic, u32::MAX);
                s.alone.set_fault(Phase::Start, Fault::Unavailable, u32::MAX);
            })
            .start()
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("3 problems"), "{text}");
        assert!(text.contains("resource `left` failed in `start`: wrong password"), "{text}");
        assert!(text.contains("resource `right` failed in `start`: panicked"), "{text}");
        assert!(text.contains("probe.rs:"), "a panic is told with its place: {text}");
        assert!(text.contains("resource `alone` failed in `start`: not started within 10s"), "{text}");
        assert_eq!(error.cause().exit_code(), 78, "a misconfiguration weighs most");
        assert!(!journal.lines().contains(&"start top".to_owned()), "what depends on a failed one is not tried");
    });
}

#[test]
fn a_start_that_hangs_is_named_with_its_timeout() {
    no_leaks_paused(async {
        let journal = Journal::default();
        let error = diamond(&journal)
            .settings(chassis::yaml! { resources: { alone: { lifecycle: { start_timeout: "3s" } } } })
            .with(|s| s.alone.set_fault(Phase::Start, Fault::Hang, u32::MAX))
            .start()
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(text.contains("resource `alone` failed in `start`: not started within 3s"), "{text}");
        assert!(text.contains("system.resources.alone.lifecycle.start_timeout"), "{text}");
        assert_eq!(error.cause().exit_code(), 69);
    });
}

#[test]
fn every_step_of_a_start_that_hangs_is_named_with_its_timeout() {
    for phase in [Phase::PreStart, Phase::PostStart, Phase::Open] {
        no_leaks_paused(async move {
            let journal = Journal::default();
            let began = Instant::now();
            let error = diamond(&journal)
                .settings(chassis::yaml! { resources: { alone: { lifecycle: { start_timeout: "3s" } } } })
                .with(move |s| s.alone.set_fault(phase, Fault::Hang, u32::MAX))
                .start()
                .await
                .unwrap_err();
            let told = format!(
                "resource `alone` failed in `{phase}`: not done within 3s; \
                 see `system.resources.alone.lifecycle.start_timeout`"
            );
            assert_eq!((error.to_string(), error.cause().exit_code()), (told, 69));
            assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
            assert_eq!(journal.of("stop").len(), journal.of("start").len());
        });
    }
}

#[microservice(name = "hooked")]
struct Hooked {
    #[resource]
    db: Probe,
    hangs_after_db: bool,
}

#[microservice]
impl Hooked {
    #[after(start, db)]
    async fn migrate(&self) {
        if self.hangs_after_db {
            std::future::pending::<()>().await;
        }
    }

    #[before(open)]
    async fn warm_up(&self) {
        std::future::pending::<()>().await;
    }
}

#[test]
fn a_hook_of_a_start_that_hangs_is_named_with_its_timeout() {
    for (hangs_after_db, what) in
        [(true, "resource `db` failed in `start`: hook `migrate` failed"), (false, "hook `warm_up` failed")]
    {
        no_leaks_paused(async move {
            let settings = chassis::yaml! { lifecycle: { hook_timeout: "2s" } };
            let began = Instant::now();
            let hooked = Hooked::builder().settings(settings).with(move |s| s.hangs_after_db = hangs_after_db);
            let error = hooked.start().await.unwrap_err();
            let told = format!("{what}: not done within 2s; see `system.lifecycle.hook_timeout`");
            assert_eq!((error.to_string(), error.cause().exit_code()), (told, 70));
            assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        });
    }
}

#[test]
fn a_peer_that_comes_up_late_is_waited_for() {
    no_leaks_paused(async {
        let journal = Journal::default();
        let running =
            diamond(&journal).with(|s| s.bottom.set_fault(Phase::Start, Fault::Unavailable, 3)).start().await.unwrap();
        assert_eq!(running.service().bottom.starts(), 4);
        running.stop().await.unwrap();
    });
}

#[test]
fn a_misconfiguration_is_not_retried_and_a_crash_only_as_often_as_set() {
    no_leaks_paused(async {
        let journal = Journal::default();
        let error = diamond(&journal)
            .settings(chassis::yaml! { resources: { alone: { lifecycle: { start_retries: 2 } } } })
            .with(|s| {
                s.bottom.set_fault(Phase::Start, Fault::Misconfigured, u32::MAX);
                s.alone.set_fault(Phase::Start, Fault::Crash, u32::MAX);
            })
            .start()
            .await
            .unwrap_err();
        assert_eq!(error.cause().exit_code(), 78);
        let starts = journal.of("start");
        assert_eq!(starts.iter().filter(|name| *name == "bottom").count(), 1);
        assert_eq!(starts.iter().filter(|name| *name == "alone").count(), 3);
    });
}

#[test]
fn a_failure_after_start_rolls_everything_back() {
    for phase in [Phase::PreStart, Phase::PostStart, Phase::Open] {
        no_leaks_paused(async move {
            let journal = Journal::default();
            let error = diamond(&journal)
                .with(move |s| s.top.set_fault(phase, Fault::Crash, u32::MAX))
                .start()
                .await
                .unwrap_err();
            assert_eq!(error.to_string(), format!("resource `top` failed in `{phase}`: broken"));
            assert_eq!(journal.of("stop").len(), journal.of("start").len());
        });
    }
}
