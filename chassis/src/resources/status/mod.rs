//! The status server: probes, metrics, states, and everything else an operator asks a service for.
//!
//! Every service has one; it answers from before the first resource starts until after the last one has stopped, and
//! always from memory. Settings, at `system.resources.status`:
//!
//! | key | default | |
//! | --- | --- | --- |
//! | `enabled` | `true` | whether there is one |
//! | `host` | `127.0.0.1` | all interfaces where `KUBERNETES_SERVICE_HOST` is set |
//! | `port` | 5747 | where that default is taken the next free one, except on Kubernetes; 0 is any |
//! | `token` | none | what others than the machine itself send as `Authorization: Bearer <token>` for `/settings` |
//!
//! | path | answer |
//! | --- | --- |
//! | `/` | a page for people |
//! | `/status` | `{"<resource>": {"status": 2, …}}`; 200 when all are started, otherwise 503 |
//! | `/livez` `/readyz` `/startupz` | `application/health+json` |
//! | `/metrics` | Prometheus text, or OpenMetrics by `Accept` |
//! | `/info` `/resources` `/tasks` `/events` `/loggers` | JSON |
//! | `/settings` | effective values with their origin; secrets are masked |
//! | `/graph.svg` `/graph.dot` `/graph.json` | the resources and what each is started after |

mod access;
mod address;
mod answer;
mod page;
mod probe;
mod report;
mod resource;
mod settings;

pub use self::{resource::Status, settings::StatusSettings};
