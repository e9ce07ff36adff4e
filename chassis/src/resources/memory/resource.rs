//! The engine that needs nothing.

use super::{connection::MemoryConnection, hub::Hub, settings::MemorySettings};
use crate::{
    Context, Result,
    messaging::{Broker, Offers, Pattern, PublishSubscribe, PushPull, RequestResponse, engine::Engine},
};

/// A broker in the memory of the process; see [the module](super).
pub type Memory = Broker<MemoryEngine>;

/// The engine of [`Memory`].
#[derive(Debug, Default)]
pub struct MemoryEngine {
    /// Where its messages are, unless the settings name another hub. It outlives a restart of the resource.
    hub: Hub,
}

impl MemoryEngine {
    /// An engine whose messages are in that hub, for services that are to reach each other:
    /// `.with(|service| service.broker = Broker::new(MemoryEngine::at(&hub)))`.
    pub fn at(hub: &Hub) -> Self {
        Self { hub: hub.clone() }
    }
}

impl Offers<PublishSubscribe> for MemoryEngine {}
impl Offers<PushPull> for MemoryEngine {}
impl Offers<RequestResponse> for MemoryEngine {}

impl Engine for MemoryEngine {
    type Settings = MemorySettings;
    type Connection = MemoryConnection;

    const NAME: &'static str = "memory";
    const PATTERNS: &'static [Pattern] = &[Pattern::PublishSubscribe, Pattern::PushPull, Pattern::RequestResponse];

    fn place(&self, settings: &MemorySettings) -> String {
        match &settings.hub {
            Some(hub) => format!("hub `{hub}` in the memory of this process"),
            None => "the memory of this process".to_owned(),
        }
    }

    async fn connect(&self, cx: &Context, settings: MemorySettings) -> Result<MemoryConnection> {
        let hub = settings.hub.map_or_else(|| self.hub.clone(), |name| Hub::named(&name));
        Ok(MemoryConnection::new(cx, hub, settings.capacity))
    }
}
