//! The registry: tells other services in etcd where this one is, for as long as it takes work.
//!
//! Every service has this part where the feature `etcd` is compiled in; it does nothing until it is enabled. The etcd is
//! the one that the settings come from. Settings, at `system.resources.registry`:
//!
//! | key | default | |
//! | --- | --- | --- |
//! | `enabled` | `false` | whether the service is registered |
//! | `path` | `system.discovery` | where; `/system/discovery/<service>/<instance>` is the key |
//! | `ttl` | `5s` | for how long an instance stays registered that does not say so any more |
//! | `address` | of the HTTP server, otherwise of the status server | `host:port`, or `host` alone |
//! | `metadata` | none | texts by name |
//!
//! An instance is registered once everything is open, under a lease. The key is gone before anything is closed at a stop,
//! and `ttl` after the death of one that did not stop. A lease that is lost is followed by another one, and the same key;
//! a key that somebody deletes is written again at once.
//! Losing etcd neither stops the service nor makes it less ready: `/readyz` warns.
//!
//! What stands there is a JSON object:
//!
//! ```json
//! {"address": "10.0.0.7", "port": 8080, "version": "1.4.0", "started": "2026-01-31T12:00:00.000Z", "metadata": {}}
//! ```
//!
//! | file | |
//! | --- | --- |
//! | `resource` | its life: from `open` to `close` |
//! | `registration` | what the background work does: registers, keeps, registers again, takes it back |
//! | `guard` | writes the key again where somebody deletes it |
//! | `entry` | what is written: the key and the object |
//! | `address` | where the service is reached from other machines |

mod address;
mod entry;
mod guard;
mod registration;
mod resource;
mod settings;

pub use self::{resource::Registry, settings::RegistrySettings};
