//! One endpoint of etcd: connecting, and how long an answer may take.

use std::{future::Future, time::Duration};

use etcd_client::Client;
use tokio::time::timeout;

use super::{
    failure::{Failure, is_auth_disabled},
    options::Options,
};

/// How long the first answer may take: then the next endpoint is tried.
pub(crate) const GREETING: Duration = Duration::from_secs(3);

/// How long any other one may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Prepares a connection, and says who is asking; without a user nothing is asked yet.
pub(crate) async fn open(options: &Options, endpoint: &str) -> Result<Client, Failure> {
    let certificates = options.certificates(endpoint)?;
    let certificates = certificates.as_ref();
    let connect = |with_user| Client::connect([endpoint], Some(options.connect(certificates, with_user)));
    let client = match within(GREETING, connect(true)).await? {
        // What etcd's own client does: a server without users serves everybody.
        Err(error) if is_auth_disabled(&error) => within(GREETING, connect(false)).await?,
        connected => connected,
    };
    Ok(client?)
}

/// The answer, if it comes in time.
pub(crate) async fn within<T>(patience: Duration, work: impl Future<Output = T>) -> Result<T, Failure> {
    let late = |_| Failure::unavailable(format!("no answer within {} s", patience.as_secs()));
    timeout(patience, work).await.map_err(late)
}
