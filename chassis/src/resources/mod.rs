//! Everything optional: each resource is one folder and one feature, and uses only what a stranger's resource could.

#[cfg(feature = "amqp")]
pub mod amqp;
#[cfg(feature = "etcd")]
pub mod discovery;
#[cfg(feature = "http-server")]
pub mod http_server;
#[cfg(feature = "kafka")]
pub mod kafka;
#[cfg(feature = "memory")]
pub mod memory;
#[cfg(feature = "etcd")]
pub mod registry;
#[cfg(feature = "status")]
pub mod status;
#[cfg(feature = "zmq")]
pub mod zmq;

use crate::{assembly::Builtin, settings::Dict};

/// The engines of brokers, for brokers whose engine is a setting: each by its name, which is that of its feature, and none
/// where that is not compiled in.
#[cfg(feature = "_messaging")]
pub(crate) fn engines() -> [(&'static str, Option<Box<dyn crate::messaging::Kind>>); 4] {
    macro_rules! engine {
        ($feature:literal, $engine:ty) => {
            cfg_select! {
                feature = $feature => { ($feature, Some(crate::messaging::kind::<$engine>())) }
                _ => { ($feature, None) }
            }
        };
    }
    [
        engine!("memory", memory::MemoryEngine),
        engine!("amqp", amqp::AmqpEngine),
        engine!("kafka", kafka::KafkaEngine),
        engine!("zmq", zmq::ZmqEngine),
    ]
}

/// What these parts are told by the builder of tests, below everything that a test says: tests run in parallel.
pub(crate) fn test_settings() -> Dict {
    let settings = Dict::new();
    #[cfg(feature = "status")]
    let settings = settings.set("resources.status.host", "127.0.0.1").set("resources.status.port", 0);
    settings
}

/// The parts that every service has, although no field says so.
pub(crate) fn builtins() -> Vec<Builtin> {
    vec![
        #[cfg(feature = "status")]
        Builtin::new::<status::Status>("status", "Probes, metrics and states for operators."),
        #[cfg(feature = "etcd")]
        Builtin::new::<registry::Registry>("registry", "Tells other services where this one is.").outermost(),
    ]
}

/// Where other services reach a service: its first HTTP server, otherwise its status server.
#[cfg(feature = "etcd")]
pub(crate) fn address(service: &crate::service::Service) -> Option<std::net::SocketAddr> {
    let _ = service;
    #[cfg(feature = "http-server")]
    for resource in service.resources() {
        let server = service.visit(resource.name, http_server::HttpServer::address).flatten();
        if server.is_some() {
            return server;
        }
    }
    #[cfg(feature = "status")]
    return service.visit("status", status::Status::address).flatten();
    #[cfg(not(feature = "status"))]
    None
}
