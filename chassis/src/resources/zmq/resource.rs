//! The engine of ZeroMQ.

use super::{connection::ZmqConnection, directory::Directory, settings::ZmqSettings};
use crate::{
    Context, Result,
    codec::Format,
    messaging::{
        Broker, Offers, Pattern, PublishSubscribe, PushPull, RequestResponse,
        engine::{Engine, Intake},
    },
};

/// ZeroMQ: peers that reach each other without a broker; see [the module](super).
pub type Zmq = Broker<ZmqEngine>;

/// The engine of [`Zmq`].
#[derive(Debug, Default)]
pub struct ZmqEngine(());

impl Offers<PublishSubscribe> for ZmqEngine {}
impl Offers<PushPull> for ZmqEngine {}
impl Offers<RequestResponse> for ZmqEngine {}

impl Engine for ZmqEngine {
    type Settings = ZmqSettings;
    type Connection = ZmqConnection;

    const NAME: &'static str = "zmq";
    const PATTERNS: &'static [Pattern] = &[Pattern::PublishSubscribe, Pattern::PushPull, Pattern::RequestResponse];

    fn check(&self, settings: &ZmqSettings, intakes: &[Intake]) -> Result<()> {
        Directory::new(settings)?.check(intakes)
    }

    fn place(&self, settings: &ZmqSettings) -> String {
        let sockets = Directory::new(settings).map_or(0, |directory| directory.sockets());
        format!("{sockets} ZeroMQ sockets")
    }

    fn format(&self, _: &ZmqSettings) -> Option<Format> {
        Some(Format::MessagePack)
    }

    async fn connect(&self, cx: &Context, settings: ZmqSettings) -> Result<ZmqConnection> {
        ZmqConnection::new(cx, settings).await
    }
}
