//! How a service stops: order, budget, what did not end in time.

use std::time::Duration;

use chassis::{
    lifecycle::{EventKind, Phase},
    prelude::*,
};
use chassis_tests::{Fault, Journal, Probe, no_leaks, no_leaks_paused};
use tokio::time::Instant;

#[microservice(name = "stopper")]
struct Stopper {
    journal: Journal,
    #[resource]
    db: Probe,
    #[resource(after = [db])]
    server: Probe,
    #[init(true)]
    is_polite: bool,
}

#[microservice]
impl Stopper {
    #[task]
    async fn stubborn(&self, stop: Shutdown) {
        stop.wait().await;
        if !self.is_polite {
            std::future::pending::<()>().await;
        }
        self.journal.write("stubborn ends");
    }

    #[task]
    async fn cancelled(&self) {
        let _guard = Note(self.journal.clone());
        std::future::pending::<()>().await;
    }
}

/// Writes when it is dropped.
struct Note(Journal);

impl Drop for Note {
    fn drop(&mut self) {
        self.0.write("cancelled is dropped");
    }
}

fn stopper(journal: &Journal) -> chassis::Builder<Stopper> {
    let journal = journal.clone();
    Stopper::builder().with(move |s| {
        s.journal = journal.clone();
        s.db = Probe::new(&journal);
        s.server = Probe::new(&journal);
    })
}

#[test]
fn a_task_without_shutdown_is_cancelled_and_one_with_it_ends_by_itself() {
    no_leaks_paused(async {
        let journal = Journal::default();
        let running = stopper(&journal).start().await.unwrap();
        running.stop().await.unwrap();
        assert!(journal.at("drain db") < journal.at("cancelled is dropped"));
        assert!(journal.at("stubborn ends") < journal.at("stop server"));
    });
}

#[test]
fn what_does_not_end_within_the_budget_is_named_and_the_rest_is_stopped() {
    no_leaks_paused(async {
        let journal = Journal::default();
        let running = stopper(&journal)
            .settings(chassis::yaml! { lifecycle: { stop_timeout: "10s" } })
            .with(|s| {
                s.is_polite = false;
                s.server.set_fault(Phase::Drain, Fault::Hang, 1);
            })
            .start()
            .await
            .unwrap();
        let mut events = running.events();
        let began = Instant::now();
        let error = running.stop().await.unwrap_err();
        assert!(began.elapsed() <= Duration::from_secs(10), "{:?}", began.elapsed());
        let text = error.to_string();
        assert!(text.contains("`server` (drain)"), "{text}");
        assert!(text.contains("task `stubborn`"), "{text}");
        assert!(!text.contains("`db`"), "{text}");
        assert_eq!(journal.of("stop"), ["server", "db"], "everything is stopped all the same");
        let code = events.find(|kind| match kind {
            EventKind::Stopped { code, .. } => Some(*code),
            _ => None,
        });
        assert_eq!(code.await, Some(75));
    });
}

#[test]
fn a_stop_that_uses_its_budget_up_leaves_a_moment_for_post_stop() {
    no_leaks_paused(async {
        let journal = Journal::default();
        let running =
            stopper(&journal).with(|s| s.server.set_fault(Phase::Stop, Fault::Hang, 1)).start().await.unwrap();
        let began = Instant::now();
        let error = running.stop().await.unwrap_err();
        assert!(began.elapsed() <= Duration::from_secs(30), "{:?}", began.elapsed());
        assert_eq!(error.to_string(), "the stop budget passed; still running: `server` (stop)");
        assert_eq!(journal.of("post_stop"), ["server", "db"]);
    });
}

#[test]
fn failures_of_a_stop_do_not_stop_it_and_are_all_told() {
    no_leaks_paused(async {
        let journal = Journal::default();
        let running = stopper(&journal)
            .with(|s| {
                s.server.set_fault(Phase::Close, Fault::Panic, 1);
                s.db.set_fault(Phase::Stop, Fault::Crash, 1);
            })
            .start()
            .await
            .unwrap();
        let text = running.stop().await.unwrap_err().to_string();
        assert!(text.contains("resource `server` failed in `close`: panicked"), "{text}");
        assert!(text.contains("resource `db` failed in `stop`: broken"), "{text}");
        assert_eq!(journal.of("stop"), ["server", "db"]);
        assert_eq!(journal.of("post_stop"), ["server", "db"]);
    });
}

/// Blocks its thread while it starts, and then has started.
#[derive(Default)]
struct Blocking {
    journal: Journal,
}

impl Resource for Blocking {
    type Settings = ();

    async fn start(&self, cx: &Context, (): ()) -> Result<()> {
        self.journal.write("start");
        cx.stop_gracefully();
        std::thread::sleep(std::time::Duration::from_millis(200));
        self.journal.write("started");
        Ok(())
    }

    async fn stop(&self, _: &Context) -> Result<()> {
        self.journal.write("stop");
        Ok(())
    }
}

#[test]
fn what_a_start_that_is_given_up_still_starts_is_stopped_too() {
    #[microservice(name = "hasty")]
    struct Hasty {
        #[resource]
        blocking: Blocking,
    }

    no_leaks(async {
        let journal = Journal::default();
        let written = journal.clone();
        let started = Hasty::builder().with(move |hasty| hasty.blocking.journal = journal).start().await;
        assert!(started.is_err(), "the start was given up");
        assert_eq!(written.lines(), ["start", "started", "stop"]);
    });
}
