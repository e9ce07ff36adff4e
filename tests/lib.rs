//! What the integration tests share: programs to run as a user runs them, a guard against leaks, tools to find.

mod support;

#[cfg(feature = "paused")]
pub use support::leaks::no_leaks_paused;
pub use support::{
    certificates::Certificates,
    client::{Answer, Client},
    held::Held,
    http_caller::{Caller, Calls, Speech},
    leaks::{alone, leaks, no_leaks},
    measure::{Course, Lap, Pace, compare},
    pool::{Pool, PoolSettings},
    probe::{Fault, Journal, Probe},
    program::{Exit, Program, Running, free_port},
    proxy::Proxy,
    python::python_with,
    rabbit::RabbitServer,
    reloads::{becomes, changed, refused},
    service_framework::ServiceFramework,
    tool::tool,
};
#[cfg(feature = "etcd")]
pub use support::{
    etcd::EtcdServer,
    etcd_writer::EtcdWriter,
    fence::{Fence, Write},
    followed::Followed,
};
#[cfg(feature = "kafka")]
pub use support::{kafka::KafkaCluster, kafka_server::KafkaServer};

/// The Rust in the documentation compiles.
#[cfg(doctest)]
#[doc = include_str!("../docs/logging.md")]
struct Logging;

#[cfg(doctest)]
#[doc = include_str!("../docs/http.md")]
struct Http;

#[cfg(doctest)]
#[doc = include_str!("../docs/settings.md")]
struct Settings;

#[cfg(doctest)]
#[doc = include_str!("../docs/metrics.md")]
struct Metrics;

#[cfg(doctest)]
#[doc = include_str!("../docs/messaging.md")]
struct Messaging;
