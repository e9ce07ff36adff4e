//! No line is lost up to the bound, none blocks beyond it, and the thread always ends.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::{MutexGuard, mpsc};

use super::*;

const ENOUGH: Duration = Duration::from_secs(20);

/// A destination that keeps what it is given, and that a test can hold up.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.held().clone()).unwrap()
    }

    /// As long as this lives, every write waits.
    fn held(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn start(limit: usize) -> (Written, Paper) {
    let paper = Paper::default();
    let theirs = paper.clone();
    (Written::start("test-writer", limit, move || theirs.clone()), paper)
}

/// Waits until the writer has taken what is pending, and hangs in a held destination.
fn wait_until_taken(queue: &Queue) {
    while queue.state().in_flight == 0 {
        std::thread::yield_now();
    }
}

#[test]
fn lines_of_many_threads_arrive_whole_and_in_each_thread_s_order() {
    let (written, paper) = start(64 * 1024 * 1024);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let queue = written.queue();
            scope.spawn(move || {
                for line in 0..5_000 {
                    assert!(queue.push(format!("{thread} {line}\n").as_bytes()));
                }
            });
        }
    });
    assert!(written.queue().flush(ENOUGH));
    let text = paper.text();
    assert_eq!(text.lines().count(), 40_000);
    for thread in 0..8 {
        let prefix = format!("{thread} ");
        let numbers: Vec<u32> =
            text.lines().filter_map(|line| line.strip_prefix(&prefix)).map(|number| number.parse().unwrap()).collect();
        assert!(numbers.iter().copied().eq(0..5_000));
    }
}

#[test]
fn a_full_queue_refuses_at_once_and_takes_lines_again_when_there_is_room() {
    let (written, paper) = start(100);
    let queue = written.queue();
    {
        let _held = paper.held();
        assert!(queue.push(&[b'a'; 60]));
        wait_until_taken(queue);
        assert!(queue.push(&[b'b'; 40]));
        // What is being written still takes its room.
        assert!(!queue.push(b"c"));
    }
    assert!(queue.flush(ENOUGH));
    assert!(queue.push(&[b'd'; 100]));
    drop(written);
    assert_eq!(paper.text().len(), 200);
}

#[test]
fn a_line_larger_than_the_queue_is_refused() {
    let (written, _paper) = start(10);
    assert!(!written.queue().push(&[b'x'; 11]));
    assert!(written.queue().push(&[b'x'; 10]));
}

#[test]
fn a_flush_gives_up_in_time_and_the_lines_still_come() {
    let (written, paper) = start(1000);
    let queue = written.queue();
    {
        let _held = paper.held();
        queue.push(b"late\n");
        assert!(!queue.flush(Duration::from_millis(20)));
    }
    assert!(queue.flush(ENOUGH));
    assert_eq!(paper.text(), "late\n");
}

#[test]
fn a_flush_does_not_wait_for_lines_said_later() {
    let (written, _paper) = start(1024 * 1024);
    let queue = written.queue();
    let is_done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                queue.push(b"on and on\n");
            }
        });
        for _ in 0..20 {
            assert!(queue.flush(ENOUGH));
        }
        is_done.store(true, Ordering::Relaxed);
    });
}

/// A destination that fails in a given way.
struct Failing(ErrorKind);

impl Write for Failing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_pipe_ends_the_writer_and_refuses_every_further_line() {
    let written = Written::start("test-writer", 100, || Failing(ErrorKind::BrokenPipe));
    let queue = written.queue();
    assert!(queue.push(b"one\n"));
    assert!(queue.flush(ENOUGH));
    assert!(!queue.push(b"two\n"));
    assert_eq!(queue.lost(), 1);
    assert!(written.thread.as_ref().is_some());
}

#[test]
fn a_destination_that_fails_for_a_while_loses_those_lines_and_counts_them() {
    let (told, failures) = mpsc::sync_channel(1);
    let paper = Paper::default();
    let theirs = paper.clone();
    let failures = Mutex::new(failures);
    let open = move || match failures.lock().unwrap().try_recv() {
        Ok(()) => Box::new(Failing(ErrorKind::StorageFull)) as Box<dyn Write>,
        Err(_) => Box::new(theirs.clone()),
    };
    let written = Written::start("test-writer", 100, open);
    told.send(()).unwrap();
    assert!(written.queue().push(b"one\ntwo\n"));
    assert!(written.queue().flush(ENOUGH));
    assert!(written.queue().push(b"three\n"));
    assert!(written.queue().flush(ENOUGH));
    assert_eq!(paper.text(), "three\n");
    assert_eq!(written.queue().lost(), 2);
}

/// A destination in non-blocking mode that takes a few bytes every other time.
struct Reluctant(Paper, bool);

impl Write for Reluctant {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 { Err(ErrorKind::WouldBlock.into()) } else { self.0.write(&bytes[..bytes.len().min(3)]) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[test]
fn a_destination_that_would_block_gets_every_byte_once() {
    let paper = Paper::default();
    let theirs = paper.clone();
    let written = Written::start("test-writer", 1000, move || Reluctant(theirs.clone(), false));
    assert!(written.queue().push(b"a line of some length\n"));
    drop(written);
    assert_eq!(paper.text(), "a line of some length\n");
}

#[test]
fn dropping_writes_what_is_left_and_joins_the_thread() {
    let (written, paper) = start(1000);
    let queue = Arc::clone(&written.queue);
    assert!(queue.push(b"last\n"));
    drop(written);
    assert_eq!(paper.text(), "last\n");
    // The thread had its own reference; it is gone with the thread.
    assert_eq!(Arc::strong_count(&queue), 1);
    assert!(!queue.push(b"too late\n"));
}
