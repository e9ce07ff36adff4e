//! A bounded queue of finished lines, and the thread that writes them.
//!
//! Two buffers take turns: lines are appended to one under a short lock while the other one is being written. After
//! each write the thread lingers for a moment, so that a busy service wakes it a few hundred times a second and not
//! once per line; the first line after a silence is written at once.

use std::{
    io::{self, ErrorKind, Write},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::tasks::spawn;

/// How long lines gather after a write, unless the queue fills up or somebody flushes.
const LINGER: Duration = Duration::from_millis(5);

/// So much is written without further lingering: more would not stay in the processor's cache.
const BATCH: usize = 256 * 1024;

/// After such a silence the memory that a burst has taken is given back.
const SILENCE: Duration = Duration::from_secs(10);

/// How long the end of the last service waits for lines that nobody has flushed.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Lines on their way to one destination.
#[derive(Debug)]
pub(super) struct Queue {
    limit: usize,
    state: Mutex<State>,
    /// For the writer: there are lines, or an end.
    wake: Condvar,
    /// For those who flush: everything is written, or the writer has ended.
    written: Condvar,
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    pending: Vec<u8>,
    /// Bytes that the writer has taken and not yet written.
    in_flight: usize,
    /// Bytes ever taken, and bytes ever done with; those who flush wait for the second to reach the first.
    pushed: u64,
    done: u64,
    writer: Writer,
    /// How many wait until all is written.
    flushing: usize,
    is_ending: bool,
}

/// What the writing thread does.
#[derive(Debug, Default, PartialEq, Eq)]
enum Writer {
    #[default]
    Busy,
    /// Waits for the first line.
    Idle,
    /// Lets lines gather.
    Lingering,
    /// Is gone, or has found its destination closed for good.
    Ended,
}

impl Queue {
    /// Takes a line, newline included; `false` if there is no room, or nobody to write it any more.
    pub(super) fn push(&self, line: &[u8]) -> bool {
        let mut state = self.state();
        let length = state.pending.len() + line.len();
        if state.writer == Writer::Ended || length + state.in_flight > self.limit {
            return false;
        }
        state.pending.extend_from_slice(line);
        state.pushed += line.len() as u64;
        let is_filling_up = state.writer == Writer::Lingering && length > BATCH.min(self.limit / 2);
        let needs_waking = state.writer == Writer::Idle || is_filling_up;
        if needs_waking {
            // One waking is enough for all lines until the writer runs.
            state.writer = Writer::Busy;
        }
        drop(state);
        if needs_waking {
            self.wake.notify_one();
        }
        true
    }

    /// Waits until everything taken so far is written; `false` if the time was not enough.
    pub(super) fn flush(&self, timeout: Duration) -> bool {
        let mut state = self.state();
        state.flushing += 1;
        self.wake.notify_one();
        let all = state.pushed;
        let is_waiting = |state: &mut State| state.writer != Writer::Ended && state.done < all;
        let waited = self.written.wait_timeout_while(state, timeout, is_waiting);
        let (mut state, timed_out) = waited.unwrap_or_else(PoisonError::into_inner);
        state.flushing -= 1;
        !timed_out.timed_out()
    }

    /// How many lines were taken and could not be written.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// The life of the writing thread. The destination is opened, and so locked, for one batch at a time.
    fn write_until_the_end<W: Write>(&self, open: impl Fn() -> W) {
        let mut batch = Vec::new();
        while self.take(&mut batch) {
            let result = write_all(&mut open(), &batch);
            if result.is_err() {
                let lines = batch.iter().filter(|byte| **byte == b'\n').count();
                self.lost.fetch_add(lines as u64, Ordering::Relaxed);
            }
            batch.clear();
            // The reader has gone and will not come back; anything else, such as a full disk, may pass.
            if result.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) {
                break;
            }
            self.linger();
        }
        let mut state = self.state();
        state.writer = Writer::Ended;
        (state.pending, state.in_flight) = (Vec::new(), 0);
        self.written.notify_all();
    }

    /// Waits for lines and takes them; `false` at the end.
    fn take(&self, batch: &mut Vec<u8>) -> bool {
        let mut state = self.state();
        while state.pending.is_empty() {
            if state.is_ending {
                return false;
            }
            state.writer = Writer::Idle;
            let is_idle = |state: &mut State| state.pending.is_empty() && !state.is_ending;
            let waited = self.wake.wait_timeout_while(state, SILENCE, is_idle);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if state.pending.is_empty() && !state.is_ending {
                (state.pending, *batch) = (Vec::new(), Vec::new());
                state = self.wake.wait_while(state, is_idle).unwrap_or_else(PoisonError::into_inner);
            }
        }
        state.writer = Writer::Busy;
        std::mem::swap(&mut state.pending, batch);
        state.in_flight = batch.len();
        true
    }

    fn linger(&self) {
        let mut state = self.state();
        state.done += state.in_flight as u64;
        state.in_flight = 0;
        if state.flushing > 0 {
            self.written.notify_all();
        }
        state.writer = Writer::Lingering;
        let is_lingering = |state: &mut State| {
            state.writer == Writer::Lingering && !state.is_ending && (state.flushing == 0 || state.pending.is_empty())
        };
        let lingered = self.wake.wait_timeout_while(state, LINGER, is_lingering);
        lingered.unwrap_or_else(PoisonError::into_inner).0.writer = Writer::Busy;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A queue with its writing thread, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Written {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

impl Written {
    /// Starts the thread, named `name`; at most `limit` bytes wait for it.
    pub(super) fn start<W: Write>(name: &str, limit: usize, open: impl Fn() -> W + Send + 'static) -> Self {
        let (lost, state) = (AtomicU64::new(0), Mutex::new(State::default()));
        let queue = Arc::new(Queue { limit, state, wake: Condvar::new(), written: Condvar::new(), lost });
        let theirs = Arc::clone(&queue);
        let thread = spawn::thread(name, move || theirs.write_until_the_end(open));
        if thread.is_err() {
            // Without a thread nothing can be written: every line is refused, and counted by whoever says it.
            queue.state().writer = Writer::Ended;
        }
        Self { queue, thread: thread.ok() }
    }

    /// The queue, to push to.
    pub(super) fn queue(&self) -> &Queue {
        &self.queue
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        self.queue.flush(LAST_LINES);
        let mut state = self.queue.state();
        state.is_ending = true;
        self.queue.wake.notify_one();
        let is_running = |state: &mut State| state.writer != Writer::Ended;
        let waited = self.queue.written.wait_timeout_while(state, LAST_LINES, is_running);
        let has_ended = !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out();
        // A thread that hangs in a write to a reader that does not read is left behind; it ends when the write does.
        if let Some(thread) = self.thread.take().filter(|_| has_ended) {
            let _ = thread.join();
        }
    }
}

/// Writes everything; waits a little where the destination is switched to non-blocking and full.
#[expect(clippy::disallowed_methods, reason = "the writer has a thread of its own, and pipes know only real time")]
fn write_all(out: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    const PATIENCE: Duration = Duration::from_secs(5);
    let mut stuck_since: Option<Instant> = None;
    loop {
        let step = if bytes.is_empty() { out.flush().map(|()| 0) } else { out.write(bytes) };
        match step {
            Ok(0) if bytes.is_empty() => return Ok(()),
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = &bytes[written..];
                stuck_since = None;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if stuck_since.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                    return Err(error);
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
