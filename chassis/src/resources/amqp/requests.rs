//! Requests that wait for their answers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::StreamExt as _;
use lapin::{
    options::{BasicConsumeOptions, QueueDeclareOptions},
    types::{FieldTable, ShortString},
};
use tokio::{
    sync::{Mutex as Turn, oneshot},
    time::{Instant, sleep, timeout_at},
};

use super::{
    failure::{not_sent, refusal, unknown, words},
    job::{Parcel, Target},
    link::Link,
    properties::{incoming, outgoing},
    publisher::Publisher,
    session::Session,
};
use crate::{
    Context, Result,
    messaging::{Incoming, Outgoing},
};

/// Asks, and gives each answer to who asked.
pub(super) struct Requests {
    cx: Context,
    link: Arc<Link>,
    publisher: Arc<Publisher>,
    /// The queue for answers of the connection there is, made by the first request.
    mailbox: Turn<Option<Arc<Mailbox>>>,
}

/// A queue for answers, as long as its connection lasts.
struct Mailbox {
    name: ShortString,
    session: Arc<Session>,
    /// Who waits for which answer; `None` once no more will come.
    waiting: Mutex<Option<HashMap<ShortString, oneshot::Sender<Incoming>>>>,
}

/// How long to wait after a queue for answers could not be made.
const REST: Duration = Duration::from_millis(20);

/// A request that waits; it does not any more once this is dropped.
struct Waiting<'a> {
    mailbox: &'a Mailbox,
    id: ShortString,
}

impl Requests {
    pub(super) fn new(cx: &Context, link: &Arc<Link>, publisher: &Arc<Publisher>) -> Self {
        let (cx, link, publisher) = (cx.clone(), Arc::clone(link), Arc::clone(publisher));
        Self { cx, link, publisher, mailbox: Turn::default() }
    }

    /// Sends a request to a queue, and waits for its answer.
    ///
    /// # Errors
    /// A failure that tells whether it may have been done all the same.
    pub(super) async fn ask(&self, queue: ShortString, message: Outgoing, until: Instant) -> Result<Incoming> {
        let id = ShortString::from(uuid());
        let (mailbox, answer) = loop {
            let opening = timeout_at(until, self.mailbox(until)).await;
            let mailbox = opening.unwrap_or_else(|_| Err(self.link.why())).map_err(not_sent)?;
            if let Some(answer) = mailbox.expect(&id) {
                break (mailbox, answer);
            }
        };
        let waiting = Waiting { mailbox: &mailbox, id };
        let wanted = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let properties = outgoing(&message, false)?
            .with_correlation_id(waiting.id.clone())
            .with_reply_to(mailbox.name.clone())
            .with_expiration(wanted.as_millis().to_string().into());
        let parcel = Parcel { target: Target::Queue(queue), body: message.body, properties, is_mandatory: true };
        self.publisher.send(parcel, until).await?;
        match timeout_at(until, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(unknown("the connection was lost before the answer came")),
            Err(_) => Err(unknown("no answer in time")),
        }
    }

    /// The queue for answers of the connection there is.
    async fn mailbox(&self, until: Instant) -> Result<Arc<Mailbox>, String> {
        let mut mailbox = self.mailbox.lock().await;
        if let Some(mailbox) = mailbox.as_ref().filter(|mailbox| mailbox.is_open()) {
            return Ok(Arc::clone(mailbox));
        }
        loop {
            let session = self.link.session_until(until).await?;
            match self.open(session).await {
                Ok(opened) => return Ok(Arc::clone(mailbox.insert(opened))),
                Err(error) if refusal(&error).is_some() => return Err(words(&error)),
                // It is about to be known as lost.
                Err(_) => sleep(REST).await,
            }
        }
    }

    async fn open(&self, session: Arc<Session>) -> lapin::Result<Arc<Mailbox>> {
        let channel = session.channel().await?;
        let options = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        let queue = channel.queue_declare("".into(), options, FieldTable::default()).await?;
        let name = queue.name().clone();
        // An answer that nobody takes any more is nobody's.
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let mut answers = channel.basic_consume(name.clone(), "".into(), options, FieldTable::default()).await?;
        let mailbox = Arc::new(Mailbox { name, session, waiting: Mutex::new(Some(HashMap::new())) });
        let filled = Arc::clone(&mailbox);
        self.cx.spawn_detached(async move {
            let _channel = channel;
            while let Some(Ok(mut delivery)) = answers.next().await {
                let caller = delivery.properties.correlation_id().as_ref().and_then(|id| filled.take(id));
                // A late answer is nobody's either.
                if let Some(caller) = caller {
                    let _ = caller.send(Arc::unwrap_or_clone(incoming(&mut delivery)));
                }
            }
            // Who waits hears of it at once.
            filled.lock().take();
        });
        Ok(mailbox)
    }
}

impl Mailbox {
    fn is_open(&self) -> bool {
        !self.session.is_lost() && self.lock().is_some()
    }

    /// The answer with that id, once it comes; `None` if none can come any more.
    fn expect(&self, id: &ShortString) -> Option<oneshot::Receiver<Incoming>> {
        let (caller, answer) = oneshot::channel();
        self.lock().as_mut()?.insert(id.clone(), caller);
        Some(answer)
    }

    fn take(&self, id: &ShortString) -> Option<oneshot::Sender<Incoming>> {
        self.lock().as_mut()?.remove(id)
    }

    fn lock(&self) -> MutexGuard<'_, Option<HashMap<ShortString, oneshot::Sender<Incoming>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.mailbox.take(&self.id);
    }
}

/// A random UUID, version 4.
fn uuid() -> String {
    let bits = fastrand::u128(..) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_one_of_version_4() {
        let uuid = uuid();
        assert_eq!(uuid.len(), 36, "{uuid}");
        assert_eq!(uuid.as_bytes()[14], b'4', "{uuid}");
        assert!(b"89ab".contains(&uuid.as_bytes()[19]), "{uuid}");
    }
}
