//! A stranger's resource through its whole life: the queue of `examples/custom_resource`, made of public items only,
//! consumes, drains at a stop, crashes under load, is restarted, and goes on without losing what it accepted.

#[allow(unreachable_pub, reason = "it reads as a library of its own would")]
#[path = "../examples/custom_resource/queue.rs"]
mod stranger;

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use chassis::{
    State,
    lifecycle::{EventKind, EventStream, Phase},
    prelude::*,
};
use chassis_tests::{no_leaks, no_leaks_paused};
use serde::{Deserialize, Serialize};

use self::stranger::{Queue, pull};

#[microservice(name = "mailer")]
struct Mailer {
    #[resource]
    queue: Queue,
    /// How often each e-mail and each note was handled.
    emails: Mutex<BTreeMap<u64, u32>>,
    notes: Mutex<BTreeMap<u64, u32>>,
    /// Every e-mail fails while this is set.
    refuses: AtomicBool,
    attempts: AtomicU64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Mail {
    id: u64,
}

#[microservice]
impl Mailer {
    #[on(queue, pull("emails"))]
    async fn send(&self, mail: Mail) -> Result<()> {
        let attempt = self.attempts.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        if self.refuses.load(Ordering::Relaxed) {
            return Err(Error::msg("refused"));
        }
        assert!(attempt % 97 != 96, "a handler may panic");
        *self.emails.lock().unwrap().entry(mail.id).or_default() += 1;
        Ok(())
    }

    /// A slow one: a crash of the other lane finds it at work.
    #[on(queue, pull("notes"))]
    async fn note(&self, mail: Mail) -> Result<()> {
        tokio::time::sleep(Duration::from_millis(2)).await;
        *self.notes.lock().unwrap().entry(mail.id).or_default() += 1;
        Ok(())
    }
}

fn mailer() -> chassis::Builder<Mailer> {
    Mailer::builder().settings(chassis::yaml! {
        resources: {
            queue: { capacity: 100, retry_after: "1ms" },
            status: { restart_policy: { resources: { backoff_min: "1ms", backoff_max: "2ms" } } },
        }
    })
}

/// Pushes until the queue says that the service has stopped; gives back what was accepted, in order.
async fn push_all(mailer: &Mailer, lane: &str, ids: impl Iterator<Item = u64>, is_over: impl Fn() -> bool) -> Vec<u64> {
    let mut accepted = Vec::new();
    for id in ids {
        while mailer.queue.push(lane, &Mail { id }).is_err() {
            if is_over() {
                return accepted;
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        accepted.push(id);
        tokio::task::yield_now().await;
    }
    accepted
}

/// Waits until the queue has been through a restart that began after `events` did.
async fn is_back(events: &mut EventStream) {
    let failed = |kind: &EventKind| matches!(kind, EventKind::State { to: State::Failed, .. }).then_some(());
    events.find(failed).await.unwrap();
    let open = |kind: &EventKind| matches!(kind, EventKind::Step { phase: Phase::Open, error: None, .. }).then_some(());
    events.find(open).await.unwrap();
}

#[test]
fn a_stop_handles_all_that_was_accepted_until_then() {
    no_leaks(async {
        for _ in 0..20 {
            let running = mailer().start().await.unwrap();
            let mailer = running.service().clone();
            let context = running.context();
            let pushers: Vec<_> = (0..4)
                .map(|pusher| {
                    let (mailer, stop) = (mailer.clone(), context.shutdown());
                    let ids = (0..).map(move |k| k * 4 + pusher);
                    tokio::spawn(async move { push_all(&mailer, "emails", ids, || stop.is_triggered()).await })
                })
                .collect();
            tokio::time::sleep(Duration::from_millis(3)).await;
            running.stop().await.unwrap();
            let mut accepted = 0;
            for pusher in pushers {
                for id in pusher.await.unwrap() {
                    accepted += 1;
                    assert_eq!(mailer.emails.lock().unwrap().get(&id), Some(&1), "{id} was accepted");
                }
            }
            assert!(accepted > 0);
        }
    });
}

#[test]
fn a_queue_that_crashes_under_load_is_restarted_and_loses_nothing() {
    no_leaks(async {
        let running = mailer().start().await.unwrap();
        let mailer = running.service().clone();
        let pushers: Vec<_> = (0..4)
            .map(|pusher| {
                let mailer = mailer.clone();
                let (lane, count) = if pusher == 0 { ("notes", 100) } else { ("emails", 1_000) };
                let ids = (0..count).map(move |k| k * 4 + pusher);
                tokio::spawn(async move { push_all(&mailer, lane, ids, || false).await })
            })
            .collect();
        // As many as the policy allows in a minute.
        for _ in 0..5 {
            let mut events = running.events().from_now();
            tokio::time::sleep(Duration::from_millis(10)).await;
            mailer.queue.break_lane("emails").unwrap();
            is_back(&mut events).await;
        }
        let mut accepted = Vec::new();
        for pusher in pushers {
            accepted.extend(pusher.await.unwrap());
        }
        let view = running.view();
        running.stop().await.unwrap();
        let restarts = view.resources().into_iter().find(|resource| resource.name == "queue").unwrap().restarts;
        assert_eq!((accepted.len(), restarts), (3_100, 5));
        let (emails, notes) = (mailer.emails.lock().unwrap(), mailer.notes.lock().unwrap());
        for id in accepted {
            let handled = if id % 4 == 0 { notes.get(&id) } else { emails.get(&id) };
            // A message whose handler was cut off by the restart is handled once more.
            assert!(handled.is_some_and(|&times| times >= 1), "{id} was accepted: {handled:?}");
        }
    });
}

#[test]
fn a_live_setting_needs_no_restart_and_another_brings_one() {
    no_leaks_paused(async {
        let running = mailer().start().await.unwrap();
        let mailer = running.service().clone();
        let settings = running.context().settings().clone();
        mailer.refuses.store(true, Ordering::Relaxed);
        let full = |count: u64| (0..count).all(|id| mailer.queue.push("emails", &Mail { id }).is_ok());
        assert!(full(1));
        tokio::time::sleep(Duration::from_millis(100)).await;
        let at_once = mailer.attempts.load(Ordering::Relaxed);
        assert!(at_once >= 50, "{at_once} attempts with 1 ms between them");

        settings.set("resources.queue.retry_after", "10s").unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = mailer.attempts.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(100)).await;
        let seldom = mailer.attempts.load(Ordering::Relaxed) - before;
        assert!((9..=11).contains(&seldom), "{seldom} attempts with 10 s between them");
        assert!(full(49), "what is live restarts nothing");

        mailer.refuses.store(false, Ordering::Relaxed);
        settings.set("resources.queue.retry_after", "1ms").unwrap();
        settings.set("resources.queue.capacity", 3).unwrap();
        running.logs().wait_for(|line| line["message"].as_str().unwrap().contains("`queue` was restarted")).await;
        while mailer.emails.lock().unwrap().len() < 49 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        mailer.refuses.store(true, Ordering::Relaxed);
        assert!(full(3));
        let error = mailer.queue.push("emails", &Mail { id: 3 }).unwrap_err();
        assert_eq!(error.to_string(), "lane `emails` is full");
        mailer.refuses.store(false, Ordering::Relaxed);
        running.stop().await.unwrap();
    });
}

#[test]
fn settings_that_the_resource_refuses_at_a_restart_end_the_service_with_78() {
    no_leaks_paused(async {
        let running = mailer().start().await.unwrap();
        running.context().settings().set("resources.queue.capacity", 0).unwrap();
        running.service().queue.break_lane("emails").unwrap();
        running.stopping().await;
        let error = running.stop().await.unwrap_err();
        assert_eq!(error.cause().exit_code(), 78);
        let told = format!("{error:#}");
        assert!(told.contains("`system.resources.queue`") && told.contains("`capacity` is 0"), "{told}");
    });
}
