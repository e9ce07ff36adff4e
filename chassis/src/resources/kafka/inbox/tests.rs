//! What is handed over, what may be committed, and the end.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;

fn inbox(messages: i64) -> Inbox {
    let inbox = Inbox::new(10, 100);
    inbox.add_share(0);
    for offset in 0..messages {
        inbox.put(0, offset, Incoming::new("x"));
    }
    inbox.hand_over();
    inbox
}

fn take(inbox: &Inbox) -> Taken {
    match inbox.take() {
        Next::Message(taken) => taken,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_settled_of_a_partition_that_is_ours_again_is_not_committed() {
    let inbox = inbox(2);
    let before = take(&inbox);
    assert_eq!(inbox.release(&[0], Duration::ZERO), 1, "one is at work");
    inbox.remove_shares(&[0]);
    inbox.add_share(0);
    inbox.put(0, 0, Incoming::new("x"));
    inbox.hand_over();
    inbox.done(before.origin);
    assert_eq!(inbox.commits(None), []);
    inbox.done(take(&inbox).origin);
    assert_eq!(inbox.commits(None), [(0, 1)]);
}

#[test]
fn a_release_waits_for_what_is_at_work() {
    let inbox = inbox(3);
    let taken = take(&inbox);
    std::thread::scope(|threads| {
        let releasing = threads.spawn(|| inbox.release(&[0], Duration::from_secs(30)));
        while inbox.lock().awaited.is_none() {
            std::thread::yield_now();
        }
        inbox.done(taken.origin);
        assert_eq!(releasing.join().unwrap(), 0);
    });
    assert_eq!(inbox.commits(Some(&[0])), [(0, 1)], "the two that were not handed over are not done");
    assert!(matches!(inbox.take(), Next::Wait(None)), "and are somebody else's");
}

#[test]
fn no_more_is_handed_over_than_may_be() {
    let inbox = inbox(20);
    let taken: Vec<_> = (0..10).map(|_| take(&inbox)).collect();
    assert!(matches!(inbox.take(), Next::Wait(None)));
    inbox.done(taken[3].origin);
    assert_eq!(take(&inbox).origin.offset, 10);
}

#[test]
fn no_more_is_taken_than_may_be_uncommitted() {
    let inbox = inbox(100);
    assert_eq!(inbox.want(), Want::Room);
    let (first, second) = (take(&inbox), take(&inbox));
    inbox.done(second.origin);
    assert_eq!(inbox.want(), Want::Room, "the first one holds it");
    inbox.done(first.origin);
    assert_eq!((inbox.want(), inbox.uncommitted()), (Want::More, 98));
}

#[tokio::test(start_paused = true)]
async fn what_rests_lets_others_go_first_and_holds_the_commit() {
    let inbox = inbox(2);
    inbox.rest(take(&inbox), Instant::now() + Duration::from_secs(1));
    let second = take(&inbox);
    assert_eq!(second.origin.offset, 1);
    inbox.done(second.origin);
    assert_eq!(inbox.commits(None), []);
    assert!(matches!(inbox.take(), Next::Wait(Some(_))));
    tokio::time::advance(Duration::from_secs(1)).await;
    let first = take(&inbox);
    inbox.done(first.origin);
    assert_eq!(inbox.commits(None), [(0, 2)]);
}

#[test]
fn after_the_close_nothing_is_handed_over_and_what_is_at_work_is_still_committed() {
    let inbox = inbox(3);
    let taken = take(&inbox);
    inbox.close();
    assert!(matches!(inbox.take(), Next::End));
    inbox.done(taken.origin);
    assert_eq!((inbox.commits(None), inbox.want()), (vec![(0, 1)], Want::Nothing));
    inbox.abandon();
    assert_eq!(inbox.want(), Want::Nothing, "others are to commit before anybody leaves");
    inbox.end();
    assert_eq!(inbox.want(), Want::End);
}

#[test]
fn what_nobody_takes_from_ends_once_all_is_settled() {
    let inbox = inbox(3);
    let taken = take(&inbox);
    inbox.abandon();
    assert_eq!(inbox.want(), Want::Nothing);
    inbox.done(taken.origin);
    assert_eq!((inbox.want(), inbox.commits(None)), (Want::End, vec![(0, 1)]));
}

#[test]
fn what_was_read_before_a_partition_was_ours_again_is_not_taken_for_what_was_read_since() {
    let inbox = inbox(0);
    assert!(!inbox.put(0, 7, Incoming::new("before")), "more may come with it");
    assert_eq!(inbox.release(&[0], Duration::ZERO), 0);
    inbox.remove_shares(&[0]);
    inbox.add_share(0);
    inbox.put(0, 5, Incoming::new("since"));
    inbox.hand_over();
    let taken = take(&inbox);
    assert_eq!((taken.origin.offset, &taken.message.body[..]), (5, &b"since"[..]));
    assert!(matches!(inbox.take(), Next::Wait(None)));
}

#[test]
fn many_messages_or_large_ones_are_handed_over_at_once() {
    let inbox = inbox(0);
    let is_time = |offset, length| inbox.put(0, offset, Incoming::new(vec![b'x'; length]));
    assert!((0..63).all(|offset| !is_time(offset, 1)) && is_time(63, 1));
    inbox.hand_over();
    assert!(is_time(64, BATCH_BYTES));
    assert_eq!(inbox.room(), 100 - 64, "what was not handed over does not count");
}

#[test]
fn a_thread_that_waits_for_room_is_woken_once_there_is_enough_of_it() {
    let inbox = inbox(100);
    std::thread::scope(|threads| {
        let waiting = threads.spawn(|| inbox.wait_for_room(Duration::from_secs(30)));
        while inbox.lock().awaited.is_none() {
            std::thread::yield_now();
        }
        let wakes = |inbox: &Inbox| inbox.lock().wakes_thread(Awaited::Settled);
        for _ in 0..11 {
            inbox.done(take(&inbox).origin);
            assert!(!wakes(&inbox), "with room for a few it would only wait again");
        }
        inbox.done(take(&inbox).origin);
        assert!(waiting.join().unwrap());
    });
}

#[test]
fn what_rests_is_bounded_by_its_bytes_too() {
    let inbox = inbox(0);
    let rest = |offset| {
        inbox.put(0, offset, Incoming::new(vec![b'x'; 32 << 20]));
        inbox.hand_over();
        inbox.rest(take(&inbox), Instant::now() + Duration::from_secs(60));
    };
    rest(0);
    assert_eq!(inbox.want(), Want::More);
    rest(1);
    assert_eq!(inbox.want(), Want::Room);
    assert!(!inbox.wait_for_room(Duration::from_millis(1)));
    assert_eq!(inbox.release(&[0], Duration::ZERO), 0);
    assert_eq!(inbox.want(), Want::More);
}

#[test]
fn offsets_that_begin_anew_are_taken_and_told() {
    let inbox = inbox(0);
    let put = |offset| {
        inbox.put(0, offset, Incoming::new("x"));
        inbox.hand_over();
        take(&inbox)
    };
    let old = put(5000);
    assert!(inbox.began_anew().is_empty());
    let new = put(3);
    assert_eq!(inbox.began_anew(), [0]);
    assert!(inbox.began_anew().is_empty(), "it is told once");
    inbox.done(old.origin);
    assert_eq!(inbox.commits(None), [], "what was there before is not there any more");
    inbox.done(new.origin);
    assert_eq!(inbox.commits(None), [(0, 4)]);
}

#[test]
fn a_failure_is_told_also_when_nothing_comes_any_more() {
    let inbox = inbox(1);
    inbox.fail(Error::msg("the thread has panicked"));
    inbox.committed();
    assert!(matches!(inbox.take(), Next::Failed(_)));
    assert!(matches!(inbox.take(), Next::End));
}
