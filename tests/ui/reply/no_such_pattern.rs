use chassis::{
    messaging::{
        Broker, Offers, Pattern, PublishSubscribe, PushPull,
        engine::Engine,
        memory::{MemoryConnection, MemoryEngine, MemorySettings},
    },
    prelude::*,
};

#[derive(Default)]
struct OneWay(MemoryEngine);

impl Offers<PushPull> for OneWay {}
impl Offers<PublishSubscribe> for OneWay {}

impl Engine for OneWay {
    type Settings = MemorySettings;
    type Connection = MemoryConnection;

    const NAME: &'static str = "one_way";
    const PATTERNS: &'static [Pattern] = &[Pattern::PushPull, Pattern::PublishSubscribe];

    async fn connect(&self, cx: &Context, settings: MemorySettings) -> Result<MemoryConnection> {
        self.0.connect(cx, settings).await
    }
}

#[derive(serde::Deserialize)]
struct Email;

#[microservice]
struct Mailer {
    #[resource]
    broker: Broker<OneWay>,
}

#[microservice]
impl Mailer {
    #[reply(broker, "price")]
    async fn price(&self, _: Email) -> Result<u64> {
        Ok(7)
    }
}

fn main() {}
