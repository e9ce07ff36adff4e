//! What becomes of a resource that fails while the service runs.

use std::time::Duration;

use chassis::{
    Condition, Error, State,
    lifecycle::{EventKind, EventStream, Phase},
    prelude::*,
};
use chassis_tests::{Fault, Journal, Probe, no_leaks_paused};
use tokio::time::Instant;

#[microservice(name = "patient")]
struct Patient {
    #[resource]
    db: Probe,
    #[resource(after = [db])]
    server: Probe,
    #[resource]
    sibling: Probe,
}

fn patient(journal: &Journal) -> chassis::Builder<Patient> {
    let journal = journal.clone();
    Patient::builder().with(move |s| {
        for probe in [&mut s.db, &mut s.server, &mut s.sibling] {
            *probe = Probe::new(&journal);
        }
    })
}

/// Waits until a resource has come to a state, from now on.
async fn reaches(events: &mut EventStream, name: &str, state: State) {
    let found = events.find(|kind| match kind {
        EventKind::State { resource, to, .. } if *resource == name && *to == state => Some(()),
        _ => None,
    });
    found.await.unwrap();
}

async fn stopping(events: &mut EventStream) -> String {
    let found = events.find(|kind| match kind {
        EventKind::Stopping { reason } => Some(reason.clone()),
        _ => None,
    });
    found.await.unwrap()
}

#[test]
fn a_crashed_resource_is_restarted_alone() {
    no_leaks_paused(async {
        let journal = Journal::default();
        let running = patient(&journal).start().await.unwrap();
        let before = journal.lines().len();
        let mut events = running.events().from_now();
        running.service().db.crash();
        reaches(&mut events, "db", State::Failed).await;
        reaches(&mut events, "db", State::Started).await;
        events
            .find(|kind| matches!(kind, EventKind::Step { phase: Phase::Open, resource: "db", .. }).then_some(()))
            .await;
        assert_eq!(
            journal.lines()[before..],
            ["close db", "drain db", "stop db", "post_stop db", "pre_start db", "start db", "post_start db", "open db"]
        );
        running.stop().await.unwrap();
    });
}

#[test]
fn rest_for_one_restarts_what_depends_on_it_too() {
    no_leaks_paused(async {
        let journal = Journal::default();
        let policy = chassis::yaml! {
            resources: { status: { restart_policy: { resources: { strategy: "rest_for_one" } } } }
        };
        let running = patient(&journal).settings(policy).start().await.unwrap();
        let before = journal.lines().len();
        let mut events = running.events().from_now();
        running.service().db.crash();
        reaches(&mut events, "db", State::Failed).await;
        reaches(&mut events, "server", State::Started).await;
        events
            .find(|kind| matches!(kind, EventKind::Step { phase: Phase::Open, resource: "server", .. }).then_some(()))
            .await;
        let lines = &journal.lines()[before..];
        assert_eq!(lines.iter().filter(|line| line.ends_with(" sibling")).count(), 0, "{lines:?}");
        let at = |line: &str| lines.iter().position(|found| found == line).unwrap();
        assert!(at("stop server") < at("stop db"));
        assert!(at("start db") < at("start server"));
        running.stop().await.unwrap();
    });
}

#[test]
fn a_crash_that_follows_from_another_one_is_no_restart_more() {
    no_leaks_paused(async {
        let journal = Journal::default();
        let policy = chassis::yaml! {
            resources: { status: { restart_policy: { resources: { strategy: "rest_for_one" } } } }
        };
        let running = patient(&journal).settings(policy).start().await.unwrap();
        let mut events = running.events().from_now();
        running.service().db.crash();
        reaches(&mut events, "db", State::Failed).await;
        running.service().server.report(Error::msg("the database is gone"));
        reaches(&mut events, "server", State::Started).await;
        tokio::time::sleep(Duration::from_secs(120)).await;
        assert_eq!((running.service().db.starts(), running.service().server.starts()), (2, 2));
        let restarts: Vec<u64> = running.view().resources().iter().take(2).map(|resource| resource.restarts).collect();
        assert_eq!(restarts, [1, 0]);
        running.stop().await.unwrap();
    });
}

#[test]
fn a_restart_that_fails_before_its_start_is_tried_again() {
    no_leaks_paused(async {
        let journal = Journal::default();
        let running = patient(&journal).start().await.unwrap();
        let mut events = running.events().from_now();
        running.service().db.set_fault(Phase::PreStart, Fault::Crash, 2);
        running.service().db.crash();
        reaches(&mut events, "db", State::Failed).await;
        reaches(&mut events, "db", State::Started).await;
        assert_eq!(running.view().resources()[0].restarts, 3);
        running.stop().await.unwrap();
    });
}

#[test]
fn a_crash_loop_is_given_up_after_the_intensity_and_escalates_once() {
    no_leaks_paused(async {
        let journal = Journal::default();
        let running = patient(&journal).start().await.unwrap();
        let mut events = running.events().from_now();
        // Every restart fails from now on: five are allowed.
        running.service().db.set_fault(Phase::Start, Fault::Crash, u32::MAX);
        running.service().db.crash();
        running.stopping().await;
        assert_eq!(running.service().db.starts(), 1 + 5);
        let error = running.stop().await.unwrap_err();
        assert_eq!(error.cause().exit_code(), 70);
        assert!(error.to_string().contains("resource `db` failed too often"), "{error}");
        let mut given_up = 0;
        while let Some(event) = events.next().await {
            match &event.kind {
                EventKind::GaveUp { .. } => given_up += 1,
                EventKind::Stopped { .. } => break,
                _ => {}
            }
        }
        assert_eq!(given_up, 1);
        assert_eq!(journal.of("start").iter().filter(|name| *name == "sibling").count(), 1, "siblings are undisturbed");
    });
}

#[test]
fn a_lost_peer_is_reached_for_without_counting_and_without_a_restart() {
    no_leaks_paused(async {
        let journal = Journal::default();
        let running = patient(&journal).start().await.unwrap();
        let mut events = running.events().from_now();
        for _ in 0..1000 {
            running.service().db.report(Error::unavailable(Error::msg("peer is away")));
        }
        reaches(&mut events, "db", State::Connecting).await;
        running.service().db.report(Condition::Well);
        events
            .find(|kind| matches!(kind, EventKind::State { resource: "db", from: State::Connecting, .. }).then_some(()))
            .await;
        assert_eq!(running.service().db.starts(), 1);
        let failed =
            running.view().events().iter().filter(|event| matches!(event.kind, EventKind::Failed { .. })).count();
        assert_eq!(failed, 1, "a thousand reports are one event");
        running.stop().await.unwrap();
    });
}

#[test]
fn a_restart_that_cannot_reach_its_peer_is_tried_for_ever() {
    no_leaks_paused(async {
        let journal = Journal::default();
        let running = patient(&journal).start().await.unwrap();
        let mut events = running.events().from_now();
        running.service().db.set_fault(Phase::Start, Fault::Unavailable, 200);
        running.service().db.crash();
        reaches(&mut events, "db", State::Failed).await;
        reaches(&mut events, "db", State::Started).await;
        assert_eq!(running.service().db.starts(), 202);
        running.stop().await.unwrap();
    });
}

#[test]
fn the_policy_may_leave_the_restart_to_the_orchestrator() {
    no_leaks_paused(async {
        let journal = Journal::default();
        let policy = chassis::yaml! {
            resources: { status: { restart_policy: { resources: { restart_microservice_on_failure: ["db"] } } } }
        };
        let running = patient(&journal).settings(policy).start().await.unwrap();
        let mut events = running.events().from_now();
        running.service().db.crash();
        running.stopping().await;
        let error = running.stop().await.unwrap_err();
        assert!(stopping(&mut events).await.contains("resource `db` failed"));
        assert_eq!(error.cause().exit_code(), 70);
        assert_eq!(running_starts(&journal, "db"), 1);
    });
}

fn running_starts(journal: &Journal, name: &str) -> usize {
    journal.of("start").iter().filter(|started| *started == name).count()
}

#[test]
fn credentials_that_are_refused_at_a_restart_end_the_service_with_78() {
    no_leaks_paused(async {
        let journal = Journal::default();
        let running = patient(&journal).start().await.unwrap();
        running.service().db.set_fault(Phase::Start, Fault::Misconfigured, u32::MAX);
        running.service().db.crash();
        running.stopping().await;
        assert_eq!(running.stop().await.unwrap_err().cause().exit_code(), 78);
    });
}

#[test]
fn failures_are_forgotten_after_a_minute_of_health() {
    no_leaks_paused(async {
        let journal = Journal::default();
        let running = patient(&journal).start().await.unwrap();
        let mut events = running.events().from_now();
        for _ in 0..12 {
            running.service().db.crash();
            reaches(&mut events, "db", State::Failed).await;
            reaches(&mut events, "db", State::Started).await;
            tokio::time::sleep(Duration::from_secs(61)).await;
        }
        assert_eq!(running.service().db.starts(), 13);
        running.stop().await.unwrap();
    });
}

#[test]
fn a_stop_during_a_restart_waits_for_nothing() {
    no_leaks_paused(async {
        let journal = Journal::default();
        let running = patient(&journal).start().await.unwrap();
        let mut events = running.events().from_now();
        running.service().db.set_fault(Phase::Start, Fault::Hang, u32::MAX);
        running.service().db.crash();
        reaches(&mut events, "db", State::Connecting).await;
        let began = Instant::now();
        running.stop().await.unwrap();
        assert!(began.elapsed() < Duration::from_millis(100), "{:?}", began.elapsed());
    });
}

#[test]
fn ill_health_makes_the_service_unready_only_where_it_is_critical() {
    #[microservice(name = "critical")]
    struct Critical {
        #[resource(critical)]
        db: Probe,
        #[resource]
        cache: Probe,
    }

    no_leaks_paused(async {
        let running = Critical::builder().start().await.unwrap();
        let readiness = || running.view().readiness().status();
        running.service().cache.set_ill(true);
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert_eq!(readiness(), chassis::HealthStatus::Warn);
        running.service().db.set_ill(true);
        tokio::time::sleep(Duration::from_secs(9)).await;
        assert_eq!(readiness(), chassis::HealthStatus::Warn, "two failures are not believed yet");
        tokio::time::sleep(Duration::from_secs(11)).await;
        assert_eq!(readiness(), chassis::HealthStatus::Fail);
        running.service().db.set_ill(false);
        running.service().cache.set_ill(false);
        tokio::time::sleep(Duration::from_secs(11)).await;
        assert_eq!(readiness(), chassis::HealthStatus::Pass);
        running.stop().await.unwrap();
    });
}
