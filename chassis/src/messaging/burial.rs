//! Gives messages up, without losing them.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::{
    engine::{Connection as _, Engine, Verdict},
    failure::Failure,
    known,
    letter::{Reason, bare, dead_letter, dead_name, is_dead_name},
    message::{Incoming, Outgoing},
    meters::HandlerMeters,
    pattern::Pattern,
    settings::DeliverySettings,
};
use crate::{Error, Result, process::Panic};

/// Where the messages of one handler go that are given up.
pub(super) struct Burial<E: Engine> {
    /// What they came by.
    pub(super) source: (Pattern, Box<str>),
    /// The handler, for the log.
    pub(super) who: Box<str>,
    pub(super) service: Box<str>,
    pub(super) settings: Arc<DeliverySettings>,
    pub(super) connection: Arc<E::Connection>,
    pub(super) meters: HandlerMeters,
    /// How long a message waits that cannot be kept.
    pub(super) wait: Duration,
    /// Dead letters cannot be sent, and that has been told.
    pub(super) is_stuck: AtomicBool,
}

/// How long a dead letter rests that its handler gives up, at least.
const STAY: Duration = Duration::from_secs(60);

/// What becomes of a message that is given up.
pub(super) enum Fate {
    /// Who asked is told.
    Answer,
    /// Nobody keeps it.
    End,
    /// It is a dead letter: nobody looks for it in another grave.
    Stay,
    /// It is kept under that name.
    Grave(String),
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer => f.write_str("its caller is told"),
            Self::End => f.write_str("kept nowhere"),
            Self::Stay => f.write_str("it stays where it is"),
            Self::Grave(name) => write!(f, "kept in `{name}`"),
        }
    }
}

impl<E: Engine> Burial<E> {
    /// What becomes of a message that is given up.
    pub(super) fn fate(&self) -> Fate {
        let (pattern, name) = (self.source.0, &*self.source.1);
        match pattern {
            Pattern::RequestResponse => Fate::Answer,
            _ if !self.connection.keeps() || !self.settings.dead_letters => Fate::End,
            _ if is_dead_name(name) => Fate::Stay,
            _ => Fate::Grave(dead_name(name)),
        }
    }

    /// Answers a request with the error, keeps another message among the dead letters, and tells what becomes of the
    /// message then.
    pub(super) async fn bury(&self, message: &Incoming, reason: Reason, error: Error) -> Verdict {
        let (pattern, name) = (self.source.0, &*self.source.1);
        let verdict = match self.fate() {
            Fate::Answer => Verdict::Answer(self.error_answer(&error)),
            Fate::End => Verdict::Done,
            Fate::Stay => {
                if !self.is_stuck.swap(true, Ordering::Relaxed) {
                    tracing::error!(
                        "dead letters of `{name}` that `{}` gives up stay there, and are tried again: {error:#}",
                        self.who
                    );
                }
                return Verdict::Again { after: self.wait.max(STAY), attempt: message.attempt };
            }
            Fate::Grave(grave) => {
                let letter = dead_letter(message, reason, &error, (pattern, name), &self.service);
                if let Err(error) = self.send(&grave, letter).await {
                    if !self.is_stuck.swap(true, Ordering::Relaxed) {
                        let who = &self.who;
                        tracing::warn!("dead letters of `{who}` cannot be kept, so its messages wait: {error:#}");
                    }
                    return Verdict::Again { after: self.wait, attempt: message.attempt };
                }
                self.is_stuck.store(false, Ordering::Relaxed);
                Verdict::Done
            }
        };
        self.meters.dead(reason);
        verdict
    }

    /// The answer that tells of a failure. What a panic says is for those who can see the code.
    fn error_answer(&self, error: &Error) -> Outgoing {
        let said = match error.find::<Panic>() {
            Some(_) => format!("the handler panicked; the log of `{}` says where", self.service),
            None => error.to_string(),
        };
        let body = serde_json::json!({ "error": said }).to_string();
        let mut answer = Outgoing::new(body, "application/json");
        answer.headers.set_known(known::ERROR, error.cause().as_str());
        answer
    }

    async fn send(&self, grave: &str, letter: Outgoing) -> Result<()> {
        let bare = bare(&letter);
        let until = Instant::now() + self.settings.send_timeout;
        match self.connection.send(Pattern::PushPull, grave, letter, until).await {
            // What stands on it may be more than there is room for beside the message.
            Err(error) if matches!(error.find(), Some(Failure::Refused(_))) => {
                self.connection.send(Pattern::PushPull, grave, bare, until).await
            }
            sent => sent,
        }
    }
}
