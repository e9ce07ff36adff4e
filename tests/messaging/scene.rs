//! What a check happens in: a space of its own at the broker under test, and the services in it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chassis::{
    Running,
    messaging::{Message, Offers, RequestResponse},
};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    place::Place,
    services::{Member, Puller, Replyer, Sender, Subscriber, Worker},
    sights::Sights,
};

/// A space of its own at a broker.
pub(crate) struct Scene<P: Place> {
    place: Arc<P>,
    space: String,
}

static COUNT: AtomicU64 = AtomicU64::new(0);

impl<P: Place> Scene<P> {
    pub(crate) fn new(place: &Arc<P>) -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Self { place: Arc::clone(place), space: format!("t{}n{number}", std::process::id()) }
    }

    /// The same space of the same broker, as it is reached in another way.
    pub(crate) fn at(&self, place: &Arc<P>) -> Self {
        Self { place: Arc::clone(place), space: self.space.clone() }
    }

    /// What tells it from others.
    pub(crate) fn space(&self) -> &str {
        &self.space
    }

    /// The settings of a service, with more for its broker.
    fn settings(&self, who: &str, more: Value) -> chassis::settings::Dict {
        let mut broker = self.place.settings_of(who, &self.space);
        if let (Value::Object(broker), Value::Object(more)) = (&mut broker, more) {
            broker.extend(more);
        }
        json!({ "resources": { "broker": broker } }).into()
    }

    pub(crate) async fn sender(&self) -> Running<Sender<P::Engine>> {
        self.sender_with(json!({})).await
    }

    pub(crate) async fn sender_with(&self, more: Value) -> Running<Sender<P::Engine>> {
        Sender::<P::Engine>::builder().settings(self.settings("sender", more)).start().await.unwrap()
    }

    pub(crate) async fn worker(&self, sights: &Sights) -> Running<Worker<P::Engine>> {
        self.worker_with(sights, json!({})).await
    }

    pub(crate) async fn worker_with(&self, sights: &Sights, more: Value) -> Running<Worker<P::Engine>> {
        let sights = sights.clone();
        let builder = Worker::<P::Engine>::builder().settings(self.settings("worker", more));
        builder.with(|worker| worker.sights = sights).start().await.unwrap()
    }

    pub(crate) async fn puller(&self, sights: &Sights) -> Running<Puller<P::Engine>> {
        let sights = sights.clone();
        let builder = Puller::<P::Engine>::builder().settings(self.settings("puller", json!({})));
        builder.with(|puller| puller.sights = sights).start().await.unwrap()
    }

    pub(crate) async fn subscriber(&self, sights: &Sights) -> Running<Subscriber<P::Engine>> {
        self.subscriber_with(sights, json!({})).await
    }

    pub(crate) async fn subscriber_with(&self, sights: &Sights, more: Value) -> Running<Subscriber<P::Engine>> {
        let sights = sights.clone();
        let builder = Subscriber::<P::Engine>::builder().settings(self.settings("subscriber", more));
        builder.with(|subscriber| subscriber.sights = sights).start().await.unwrap()
    }

    pub(crate) async fn member(&self, sights: &Sights) -> Running<Member<P::Engine>> {
        let sights = sights.clone();
        let builder = Member::<P::Engine>::builder().settings(self.settings("member", json!({})));
        builder.with(|member| member.sights = sights).start().await.unwrap()
    }

    pub(crate) async fn replyer(&self, sights: &Sights) -> Running<Replyer<P::Engine>>
    where
        P::Engine: Offers<RequestResponse>,
    {
        let sights = sights.clone();
        let builder = Replyer::<P::Engine>::builder().settings(self.settings("replyer", json!({})));
        builder.with(|replyer| replyer.sights = sights).start().await.unwrap()
    }
}

/// The next dead letter of a name.
pub(crate) async fn dead_letter<P: Place>(sender: &Running<Sender<P::Engine>>, name: &str) -> Message<Value> {
    let mut letters = sender.service().broker.pull::<Value>(&format!("{name}.dead")).await.unwrap();
    let next = timeout(Duration::from_secs(30), letters.next()).await;
    let letter = next.expect("no dead letter came").unwrap().unwrap();
    let message = letter.message().clone();
    letter.ack().await.unwrap();
    message
}
