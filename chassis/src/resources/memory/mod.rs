//! A broker in the memory of the process: for examples, tests, and services that talk to themselves.
//!
//! | setting | default | what it says |
//! | --- | --- | --- |
//! | `hub` | none | services of this process with the same hub reach each other; without one a service is alone |
//! | `capacity` | 100000 | how many messages wait under each name; senders wait for room |
//!
//! Beside them stand the settings of [every broker](crate::messaging::DeliverySettings). All three patterns are offered.
//! What waits is lost with the process; a restart of the resource loses nothing that was pushed.

mod connection;
mod hub;
mod queue;
mod resource;
mod settings;

pub use self::{
    connection::{MemoryConnection, MemoryConsumer, MemoryDelivered},
    hub::Hub,
    resource::{Memory, MemoryEngine},
    settings::MemorySettings,
};
