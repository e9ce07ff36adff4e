use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tokio::time::{sleep, timeout};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A term that lasts for a second, and what makes it last longer.
fn term(token: u64) -> (Leadership, watch::Sender<Option<Instant>>) {
    let until = watch::Sender::new(Some(Instant::now() + SECOND));
    (Leadership::new(token, until.subscribe()), until)
}

fn leader(token: u64) -> Leader {
    Leader { token, instance: String::new(), host: String::new(), since: String::new() }
}

#[tokio::test(start_paused = true)]
async fn a_term_lasts_for_as_long_as_its_lease_is_renewed() {
    let (term, until) = term(7);
    let began = Instant::now();
    let renewed = async {
        sleep(SECOND / 2).await;
        until.send_replace(Some(began + 3 * SECOND));
    };
    tokio::join!(term.lost(), renewed);
    assert_eq!((began.elapsed(), term.is_valid()), (3 * SECOND, false));
    // What nobody renews any more lasts until its end.
    let (term, until) = self::term(8);
    drop(until);
    let began = Instant::now();
    term.lost().await;
    assert_eq!(began.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_term_that_is_ended_is_lost_at_once() {
    let (term, until) = term(7);
    until.send_replace(None);
    timeout(Duration::ZERO, term.lost()).await.unwrap();
    // And seen by whoever waits for it already.
    let (term, until) = self::term(7);
    let began = Instant::now();
    tokio::join!(term.lost(), async {
        sleep(SECOND / 10).await;
        until.send_replace(None);
    });
    assert_eq!(began.elapsed(), SECOND / 10);
    let (term, _until) = self::term(7);
    let clone = term.clone();
    term.end();
    timeout(Duration::ZERO, clone.lost()).await.unwrap();
    assert_eq!((clone.is_valid(), clone.valid_until()), (false, None));
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "it is a process that is paused")]
async fn work_takes_no_step_after_the_end_of_its_term() {
    let until = watch::Sender::new(Some(Instant::now() + SECOND / 20));
    let term = Leadership::new(7, until.subscribe());
    let steps = AtomicU32::new(0);
    let mut held = Box::pin(term.hold(async {
        loop {
            steps.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    }));
    let outcome = poll_fn(|cx| {
        assert!(held.as_mut().poll(cx).is_pending());
        // As if the process had been paused: the timers of the runtime do not know it yet.
        std::thread::sleep(SECOND / 10);
        Poll::Ready(held.as_mut().poll(cx))
    });
    assert_eq!(outcome.await, Poll::Ready(None::<()>));
    drop(held);
    assert_eq!(steps.into_inner(), 1);
    assert_eq!(self::term(8).0.hold(async { "done" }).await, Some("done"));
}

#[tokio::test(start_paused = true)]
async fn work_begins_in_the_term_that_it_was_elected_for_and_in_no_other() {
    let office = Office::new(None);
    let ((first, _kept), (second, _kept_too)) = (term(7), term(8));
    assert!(office.begin(&first).is_none());
    office.elect(first.clone(), leader(7));
    assert!(office.elected().await.is(&first));
    drop(office.begin(&first).unwrap());
    assert!(office.stand_by(None).unwrap().is(&first));
    assert!(office.begin(&first).is_none());
    office.elect(second.clone(), leader(8));
    assert!(office.begin(&first).is_none() && office.begin(&second).is_some());
    sleep(SECOND).await;
    assert!(office.begin(&second).is_none(), "its lease has run out");
}

#[tokio::test(start_paused = true)]
async fn an_office_is_closed_once_no_work_of_it_runs() {
    let office = Office::new(None);
    let (term, _until) = term(7);
    office.elect(term.clone(), leader(7));
    let shift = office.begin(&term).unwrap();
    assert!(timeout(SECOND / 4, office.close()).await.is_err());
    drop(shift);
    office.close().await;
    assert!(term.is_valid() && office.begin(&term).is_none());
    assert!(timeout(SECOND / 4, office.elected()).await.is_err());
}
