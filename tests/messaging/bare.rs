//! A wire without headers: an engine of one's own that says so is given none, by its own broker and as one of several.

use chassis::{
    Health,
    messaging::{
        Any, Broker, Incoming, Offers, Outgoing, Pattern, PushPull,
        engine::{Connection, Engine, Intake},
        known,
        memory::{MemoryConnection, MemoryEngine, MemorySettings},
    },
    prelude::*,
    unit::Unit,
};
use serde_json::json;
use tokio::time::Instant;

use super::services::Job;

/// As memory, on a wire without headers.
#[derive(Default)]
struct Bare(MemoryEngine);

struct BareConnection(MemoryConnection);

impl Offers<PushPull> for Bare {}

impl Engine for Bare {
    type Settings = MemorySettings;
    type Connection = BareConnection;

    const NAME: &'static str = "bare";
    const PATTERNS: &'static [Pattern] = &[Pattern::PushPull];

    async fn connect(&self, cx: &Context, settings: MemorySettings) -> Result<BareConnection> {
        self.0.connect(cx, settings).await.map(BareConnection)
    }
}

impl Connection for BareConnection {
    type Consumer = <MemoryConnection as Connection>::Consumer;

    async fn consume(&self, intake: &Intake) -> Result<Self::Consumer> {
        self.0.consume(intake).await
    }

    async fn send(&self, pattern: Pattern, name: &str, message: Outgoing, until: Instant) -> Result<()> {
        self.0.send(pattern, name, message, until).await
    }

    async fn request(&self, name: &str, message: Outgoing, until: Instant) -> Result<Incoming> {
        self.0.request(name, message, until).await
    }

    async fn close(&self) -> Result<()> {
        self.0.close().await
    }

    async fn stop(&self) -> Result<()> {
        self.0.stop().await
    }

    fn carries_headers(&self) -> bool {
        false
    }

    fn health(&self) -> Health {
        self.0.health()
    }
}

#[microservice]
struct Alone {
    #[resource]
    broker: Broker<Bare>,
}

#[microservice]
impl Alone {}

#[microservice]
struct AmongOthers {
    #[resource]
    broker: Broker<Any<(Bare,)>>,
}

#[microservice]
impl AmongOthers {}

/// What comes beside a job that is pushed in a unit of work: of what chassis says, and of what the sender says.
async fn beside<E: Engine + Offers<PushPull>>(broker: &Broker<E>) -> [bool; 4] {
    let job = Job::new(1);
    let push = broker.push("jobs", &job).header("mine", "1").expires_in(Duration::from_secs(60));
    Unit::new("job").run(push.into_future()).await.unwrap();
    let mut jobs = broker.pull::<Job>("jobs").await.unwrap();
    let job = jobs.next().await.unwrap().unwrap();
    let found =
        ["mine", known::REQUEST_ID, known::TRACE, known::DEADLINE].map(|name| job.message().headers().get(name));
    let found = found.map(|value| value.is_some());
    job.ack().await.unwrap();
    found
}

#[tokio::test]
async fn a_wire_without_headers_is_given_only_those_of_the_sender() {
    let alone = Alone::builder().start().await.unwrap();
    assert_eq!(beside(&alone.service().broker).await, [true, false, false, false]);
    alone.stop().await.unwrap();
    for (engine, carries) in [("bare", false), ("memory", true)] {
        let settings = json!({ "resources": { "broker": { "engine": engine } } });
        let among = AmongOthers::builder().settings(settings).start().await.unwrap();
        assert_eq!(beside(&among.service().broker).await, [true, carries, carries, carries], "{engine}");
        among.stop().await.unwrap();
    }
}
