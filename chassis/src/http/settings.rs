//! How many connections a server takes, and how long each may keep it waiting.

use std::time::Duration;

use crate::{
    process,
    settings::{ByteSize, SettingsSchema},
};

/// Limits of the connections of one HTTP server.
///
/// A change of those without a note reaches connections that are open.
#[derive(Debug, Clone, SettingsSchema)]
#[settings(default)]
pub struct ConnectionSettings {
    /// Connections served at the same time. Further ones wait in the accept queue of the kernel.
    #[setting(range = 1..)]
    pub max_connections: usize,
    /// Connections the kernel completes and keeps while nobody accepts them.
    #[setting(range = 1..=65535)]
    pub backlog: u32,
    /// Time a client has to send the whole head of a request, and its first one after it connected.
    #[setting(range = "1ms"..)]
    pub header_read_timeout: Duration,
    /// Time a connection may be without a request before it is closed.
    #[setting(range = "1ms"..)]
    pub keep_alive_timeout: Duration,
    /// Time a client may take nothing of an answer that waits for it.
    #[setting(range = "1ms"..)]
    pub write_timeout: Duration,
    /// Bytes of a request's head, over which it is refused with 431. A change is for new connections.
    #[setting(range = 1024..=1048576)]
    pub max_header_size: ByteSize,
    /// Header lines of a request, over which it is refused with 431. A change is for new connections.
    #[setting(range = 1..=10000)]
    pub max_headers: usize,
    /// How long a connection without a request is kept at a stop, so that one that is on its way is still answered.
    /// Those whose requests came close together are kept up to twenty times as long.
    #[setting(range = ..="10s")]
    pub idle_hold: Duration,
    /// Requests at the same time on one HTTP/2 connection. A change is for new connections.
    #[setting(range = 1..)]
    pub http2_max_concurrent_streams: u32,
    /// Streams a client may reset before they were served; one more ends the connection. A change is for new ones.
    pub http2_max_pending_resets: usize,
    /// How often a silent HTTP/2 connection is asked whether it lives; zero is never. A change is for new connections.
    pub http2_keep_alive_interval: Duration,
    /// How long the answer to that may take. A change is for new connections.
    pub http2_keep_alive_timeout: Duration,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            backlog: 1024,
            header_read_timeout: Duration::from_secs(10),
            keep_alive_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            max_header_size: ByteSize::kib(32),
            max_headers: MAX_HEADERS_ON_STACK,
            idle_hold: Duration::from_millis(100),
            http2_max_concurrent_streams: 200,
            http2_max_pending_resets: 20,
            http2_keep_alive_interval: Duration::from_secs(20),
            http2_keep_alive_timeout: Duration::from_secs(20),
        }
    }
}

/// What hyper parses without an allocation per request; any other number costs one.
pub(super) const MAX_HEADERS_ON_STACK: usize = 100;

/// How long a server goes on as before once it is no longer ready, so that load balancers notice.
///
/// Without a setting it is 5 s on Kubernetes, whose endpoints lag behind, and nothing elsewhere.
pub(crate) fn pre_stop_delay(setting: Option<Duration>) -> Duration {
    setting.unwrap_or_else(|| if process::is_on_kubernetes() { Duration::from_secs(5) } else { Duration::ZERO })
}
