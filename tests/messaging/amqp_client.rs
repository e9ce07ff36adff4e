//! A client at a RabbitMQ that is none of ours.

use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::{BasicProperties, Channel, options::BasicPublishOptions};
use tokio::time::timeout;

/// Connects; the channel ends with the connection.
pub(crate) async fn peer(port: u16) -> (lapin::Connection, Channel) {
    let url = format!("amqp://guest:guest@127.0.0.1:{port}/%2f");
    let connection = lapin::Connection::connect(&url, Default::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    (connection, channel)
}

pub(crate) async fn publish(channel: &Channel, exchange: &str, key: &str, body: &[u8], properties: BasicProperties) {
    let options = BasicPublishOptions::default();
    channel.basic_publish(exchange.into(), key.into(), options, body, properties).await.unwrap().await.unwrap();
}

/// The next message, which must come.
pub(crate) async fn next(consumer: &mut lapin::Consumer) -> lapin::message::Delivery {
    timeout(Duration::from_secs(30), consumer.next()).await.unwrap().unwrap().unwrap()
}
