//! What every client of etcd needs: the settings source, the registry, whoever holds a lease.
//!
//! Each of them has a connection of its own, and begins again with the next endpoint when it is lost.
//!
//! | file | |
//! | --- | --- |
//! | `options` | where etcd is, who asks, by which certificates |
//! | `endpoints` | the first of them that answers, and why the others do not |
//! | `connection` | connecting to one endpoint |
//! | `watch` | what a watch says next, or why it ended |
//! | `lease` | a lease: kept alive, known to be valid, lost, revoked |
//! | `certificates` | whom a client trusts, and what it shows of itself |
//! | `diagnosis` | why a connection ended that says only that it ended |
//! | `failure` | what went wrong with an endpoint, whose fault it is, and how it is told |

mod certificates;
mod connection;
mod diagnosis;
mod endpoints;
mod failure;
mod lease;
mod options;
mod watch;

pub(crate) use self::{
    connection::{GREETING, PATIENCE, open, within},
    diagnosis::diagnose,
    endpoints::Endpoints,
    failure::{Failure, is_too_large},
    lease::Lease,
    options::Options,
    watch::next,
};
