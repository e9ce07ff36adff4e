//! Messages over every broker: one suite of checks, run unchanged over each of them, alone and many times at once; and
//! what is particular to a broker.

mod amqp;
mod amqp_client;
mod amqp_consuming;
mod amqp_faults;
mod amqp_peers;
mod amqp_process;
mod amqp_queues;
mod amqp_refusals;
mod amqp_siblings;
mod amqp_stops;
mod amqp_tamarco;
mod amqp_tls;
mod asyncapi;
mod bare;
mod dynamic;
mod failing;
#[cfg(feature = "kafka")]
mod kafka;
#[cfg(feature = "kafka")]
mod kafka_faults;
#[cfg(feature = "kafka")]
mod kafka_group;
#[cfg(feature = "kafka")]
mod kafka_process;
#[cfg(feature = "kafka")]
mod kafka_refusals;
#[cfg(feature = "kafka-ssl")]
mod kafka_sasl;
#[cfg(feature = "kafka-server")]
mod kafka_server;
#[cfg(feature = "kafka-ssl")]
mod kafka_tls;
mod load;
mod memory;
mod place;
mod publish_subscribe;
mod push_pull;
mod request_response;
mod scene;
mod services;
mod sights;
mod workshop;
mod zmq;
mod zmq_faults;
mod zmq_peer;
mod zmq_scene;
mod zmq_stops;
mod zmq_workflows;
