//! Finds the instances of other services, as the registry of each of them tells in etcd.
//!
//! A service that looks for others has a [`Discovery`] among its resources; the etcd is the one that the settings come
//! from. Needs the feature `etcd`.
//!
//! ```
//! use chassis::{discovery::Discovery, prelude::*};
//!
//! #[microservice(name = "orders")]
//! struct Orders {
//!     #[resource]
//!     discovery: Discovery,
//! }
//!
//! #[microservice]
//! impl Orders {
//!     #[task]
//!     async fn ask(&self) -> Result<()> {
//!         let prices = self.discovery.service("prices");
//!         prices.wait().await;
//!         let instance = prices.pick()?;
//!         let url = format!("http://{}/prices", instance.authority());
//!         // … while `instance` is kept, the exchange counts as in flight.
//!         # drop(url);
//!         Ok(())
//!     }
//! }
//! ```
//!
//! Settings, at `system.resources.<field>`:
//!
//! | key | default | |
//! | --- | --- | --- |
//! | `path` | `system.discovery` | below which instances are registered |
//!
//! Each service that is looked for is watched once, whoever asks for it and however often; what is known is answered from
//! memory. When etcd is lost, the instances known last stay, and `/readyz` warns. An instance whose lease has expired is
//! gone from the list.
//!
//! A client of HTTP that takes names of services, `http://prices/…`, asks [`Discovery::service`] for the name and
//! [`pick`](Instances::pick)s for each exchange; nothing else of this module concerns it.
//!
//! | file | |
//! | --- | --- |
//! | `resource` | its life |
//! | `client` | `Discovery` as the service's code sees it, and what its parts share |
//! | `instances` | the handle of one service |
//! | `choice` | which instance is next |
//! | `instance` | one instance, and how it is read |
//! | `follower` | the background work for one service: reads, watches, begins again |

mod choice;
mod client;
mod follower;
mod instance;
mod instances;
mod resource;
mod settings;

pub use self::{
    choice::Picked, client::Discovery, instance::Instance, instances::Instances, settings::DiscoverySettings,
};
