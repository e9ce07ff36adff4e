//! What a watch says next, or why it says nothing any more.

use etcd_client::{WatchResponse, WatchStream};

use super::failure::Failure;

/// Waits for the next answer of a watch.
///
/// # Errors
/// When etcd has ended the watch, also because it does not know any more what it was to begin with.
///
/// # Cancel safety
/// Safe: no answer is lost.
pub(crate) async fn next(watch: &mut WatchStream) -> Result<WatchResponse, Failure> {
    let answer = watch.message().await?.ok_or_else(|| Failure::unavailable("etcd ended the watch"))?;
    match (answer.canceled(), answer.compact_revision()) {
        (false, _) => Ok(answer),
        (true, 0) => Err(Failure::unavailable(format!("etcd ended the watch: {}", answer.cancel_reason()))),
        (true, _) => Err(Failure::unavailable("what happened meanwhile is compacted")),
    }
}
