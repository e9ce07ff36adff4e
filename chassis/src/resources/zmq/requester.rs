//! Sends requests, and waits for their answers.
//!
//! In front of each request stands a number, which whoever replies sends back: answers are told apart whatever their
//! order, late ones are nobody's, and a lost answer blocks no request behind it.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::{Bytes, BytesMut};
use foldhash::fast::RandomState;
use tokio::{
    sync::{Mutex as Turn, mpsc, oneshot},
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    arrival::CONTENT_TYPE,
    body::{self, Body, Frame},
    faults::Faults,
    zmtp::{BATCH, Item, Peer, Role, Serve, Source, Writer, encode_behind},
};
use crate::{
    Result,
    messaging::{Failure, Incoming, known},
};

/// The socket that asks.
#[derive(Debug)]
pub(super) struct Requester {
    queue: mpsc::Sender<Question>,
    /// Taken by the connection there is.
    questions: Turn<mpsc::Receiver<Question>>,
    open: Mutex<Open>,
    count: AtomicU64,
    faults: Arc<Faults>,
    finishing: CancellationToken,
}

/// What is open: who waits for an answer, and the way to who gives it.
#[derive(Debug, Default)]
struct Open {
    waiting: HashMap<u64, Waiting, RandomState>,
    peer: Weak<Writer>,
}

#[derive(Debug)]
struct Question {
    number: u64,
    frame: Bytes,
}

/// Somebody who waits for an answer.
#[derive(Debug)]
struct Waiting {
    answer: oneshot::Sender<Result<Answer>>,
    /// It may have arrived at the peer.
    is_sent: bool,
}

/// What was answered, in MessagePack.
#[derive(Debug)]
enum Answer {
    Returned(Bytes),
    Failed(Bytes),
}

/// Takes a question from those that wait, also when who asked is cancelled.
struct Asked<'a> {
    requester: &'a Requester,
    number: u64,
}

/// Who replies.
struct Replying<'a>(&'a Requester);

/// Questions for who replies.
struct Questions<'a> {
    requester: &'a Requester,
    queue: &'a mut mpsc::Receiver<Question>,
}

impl Requester {
    pub(super) fn new(high_water_mark: usize, faults: Arc<Faults>, finishing: CancellationToken) -> Self {
        let (queue, questions) = mpsc::channel(high_water_mark);
        let (open, count) = (Mutex::default(), AtomicU64::new(fastrand::u64(..u64::from(u32::MAX))));
        Self { queue, questions: Turn::new(questions), open, count, faults, finishing }
    }

    /// Sends a request, and waits for its answer until then.
    ///
    /// # Errors
    /// A [`Failure`].
    pub(super) async fn request(&self, frame: Frame<'_>, until: Instant) -> Result<Incoming> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        let asked = Asked { requester: self, number };
        let asking = async {
            if !self.ask_now(number, frame, answer) {
                // The receiver lives as long as this socket.
                let _ = self.queue.send(Question { number, frame: frame.bytes() }).await;
            }
            answered.await
        };
        // It is large, and would be moved twice.
        let asking = pin!(asking);
        match timeout_at(until, asking).await {
            Ok(Ok(answer)) => Ok(incoming(answer?)),
            Ok(Err(_)) => Err(Failure::Unknown("the socket has ended".to_owned()).into_error()),
            Err(_) if asked.is_sent() => Err(Failure::Unknown("no answer in time".to_owned()).into_error()),
            Err(_) => {
                let why = "who replies was not reached in time, or does not read".to_owned();
                Err(Failure::NotSent(why).into_error())
            }
        }
    }

    /// Asks from the task that does, where no other question is open; with others it is written together. `false` when it is
    /// still to be asked.
    fn ask_now(&self, number: u64, frame: Frame<'_>, answer: oneshot::Sender<Result<Answer>>) -> bool {
        let mut open = self.lock();
        let peer = if open.waiting.is_empty() { open.peer.upgrade() } else { None };
        let digits = number.to_be_bytes();
        let write = |peer: Arc<Writer>| peer.write_now(&envelope(&digits), frame.length(), |out| frame.write(out));
        let is_sent = peer.is_some_and(write);
        open.waiting.insert(number, Waiting { answer, is_sent });
        is_sent
    }

    /// Tells everybody who may have been heard that there will be no answer.
    fn lose(&self, why: &str) {
        let mut open = self.lock();
        open.peer = Weak::new();
        let lost: Vec<_> = open.waiting.extract_if(|_, waiting| waiting.is_sent).map(|(_, lost)| lost).collect();
        drop(open);
        for lost in lost {
            let why = format!("the connection was lost before the answer came: {why}");
            let _ = lost.answer.send(Err(Failure::Unknown(why).into_error()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Serve for Requester {
    async fn serve(&self, peer: Peer) -> Result<()> {
        let mut queue = self.questions.lock().await;
        self.lock().peer = Arc::downgrade(&peer.writer);
        let mut questions = Questions { requester: self, queue: &mut queue };
        let served = peer.serve(&mut Replying(self), &mut questions).await;
        self.lose(&served.as_ref().err().map_or_else(|| "the service stops".to_owned(), |error| format!("{error:#}")));
        served
    }
}

impl Source for Questions<'_> {
    async fn fill(&mut self, out: &mut BytesMut) -> bool {
        let first = tokio::select! {
            biased;
            first = self.queue.recv() => first,
            () = self.requester.finishing.cancelled() => None,
        };
        let Some(first) = first else { return false };
        self.write(first, out);
        while out.len() < BATCH
            && let Ok(question) = self.queue.try_recv()
        {
            self.write(question, out);
        }
        true
    }
}

impl Questions<'_> {
    fn write(&self, Question { number, frame }: Question, out: &mut BytesMut) {
        let mut open = self.requester.lock();
        // What nobody waits for any more is not asked.
        if let Some(waiting) = open.waiting.get_mut(&number) {
            waiting.is_sent = true;
            encode_behind(out, &envelope(&number.to_be_bytes()), frame.len(), |out| out.extend_from_slice(&frame));
        }
    }
}

impl Role for Replying<'_> {
    async fn take(&mut self, item: Item) -> Result<()> {
        let (parts, too_large) = match item {
            Item::Command(..) => return Ok(()),
            Item::Message(parts) => (parts, None),
            Item::TooLarge(parts, length) => (parts, Some(length)),
        };
        let number = parts.first().and_then(|part| part.first_chunk().copied()).map(u64::from_be_bytes);
        let asked = number.and_then(|number| self.0.lock().waiting.remove(&number));
        let answer = match (&parts[..], too_large) {
            (_, Some(length)) => Err(format!("an answer of {length} bytes is longer than `max_frame_size`")),
            ([_, empty, frame], None) if empty.is_empty() => Answer::parse(frame),
            _ => Err(format!("an answer has {} parts", parts.len())),
        };
        let answer = answer.map_err(|wrong| {
            self.0.faults.note(&wrong);
            // It was done; what came of it is not known.
            Failure::Unknown(wrong).into_error()
        });
        if let Some(asked) = asked {
            let _ = asked.answer.send(answer);
        }
        Ok(())
    }
}

impl Answer {
    fn parse(frame: &Bytes) -> Result<Self, String> {
        let body = Body::parse(frame).map_err(|wrong| format!("an answer cannot be read: {wrong}"))?;
        match (body.error, body.return_args) {
            (Some(error), _) => Ok(Self::Failed(frame.slice_ref(error))),
            (None, Some(returned)) => Ok(Self::Returned(frame.slice_ref(returned))),
            (None, None) => Err("an answer has neither `return_args` nor `error`".to_owned()),
        }
    }
}

impl Asked<'_> {
    fn is_sent(&self) -> bool {
        self.requester.lock().waiting.get(&self.number).is_some_and(|waiting| waiting.is_sent)
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.requester.lock().waiting.remove(&self.number);
    }
}

/// What stands in front of a question.
fn envelope(number: &[u8; 8]) -> [&[u8]; 2] {
    [number, b""]
}

/// An answer as every broker gives it.
fn incoming(answer: Answer) -> Incoming {
    match answer {
        Answer::Returned(value) => Incoming { content_type: Some(CONTENT_TYPE.into()), ..Incoming::new(value) },
        Answer::Failed(error) => {
            let (cause, message) = body::error_text(&error);
            let mut answer = Incoming::new(serde_json::json!({ "error": message }).to_string());
            answer.headers.set_known(known::ERROR, cause);
            Incoming { content_type: Some("application/json".into()), ..answer }
        }
    }
}
