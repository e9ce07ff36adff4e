//! The engine of ZeroMQ.

use super::{connection::ZmqConnection, directory::Directory, settings::ZmqSettings};
use crate::{
    Context, Result,
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

    async fn connect(&self, cx: &Context, settings: ZmqSettings) -> Result<ZmqConnection> {
        ZmqConnection::new(cx, settings).await
    }
}
