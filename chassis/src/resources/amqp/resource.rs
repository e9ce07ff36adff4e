//! The engine that speaks AMQP.

use super::{address::Address, connection::AmqpConnection, dialer::Dialer, names::Names, settings::AmqpSettings};
use crate::{
    Context, Result,
    messaging::{
        Broker, Offers, Pattern, PublishSubscribe, PushPull, RequestResponse,
        engine::{Engine, Intake},
    },
};

/// A broker that speaks AMQP 0.9.1; see [the module](super).
pub type Amqp = Broker<AmqpEngine>;

/// The engine of [`Amqp`].
#[derive(Debug, Default)]
pub struct AmqpEngine;

impl Offers<PublishSubscribe> for AmqpEngine {}
impl Offers<PushPull> for AmqpEngine {}
impl Offers<RequestResponse> for AmqpEngine {}

impl Engine for AmqpEngine {
    type Settings = AmqpSettings;
    type Connection = AmqpConnection;

    const NAME: &'static str = "amqp";
    const PATTERNS: &'static [Pattern] = &[Pattern::PublishSubscribe, Pattern::PushPull, Pattern::RequestResponse];

    fn check(&self, settings: &AmqpSettings, intakes: &[Intake]) -> Result<()> {
        Address::all(settings)?;
        let names = Names::new(settings.queues_prefix.as_deref());
        intakes.iter().try_for_each(|intake| names.of(intake).map(drop))
    }

    fn place(&self, settings: &AmqpSettings) -> String {
        let addresses = Address::all(settings).unwrap_or_default();
        addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
    }

    async fn connect(&self, cx: &Context, settings: AmqpSettings) -> Result<AmqpConnection> {
        let dialer = Dialer::new(cx, &settings)?;
        AmqpConnection::open(cx, dialer, &settings).await
    }
}
