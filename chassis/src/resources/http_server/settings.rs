//! What can be set of an HTTP server, at `system.resources.<field>`.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use crate::{
    http::{ConnectionSettings, TlsSettings},
    process,
    settings::{ByteSize, SettingsSchema},
};

/// Settings of an [`HttpServer`](super::HttpServer). All of them are live.
#[derive(Debug, Clone, SettingsSchema)]
#[settings(default)]
pub struct HttpServerSettings {
    /// Address of the interface to listen on; all of them where `KUBERNETES_SERVICE_HOST` is set, otherwise loopback.
    #[setting(live)]
    pub host: Option<IpAddr>,
    /// Port to listen on; 0 takes any free one.
    #[setting(live)]
    pub port: u16,
    /// How long a handler may take, reading the body included; 0 is no limit.
    #[setting(live)]
    pub request_timeout: Duration,
    /// The longest body of a request, also once it is decompressed.
    #[setting(live)]
    pub body_limit: ByteSize,
    /// Whether `/a/` is answered as `/a`.
    #[setting(live)]
    pub trailing_slash: bool,
    /// Media types whose bodies are taken for JSON too; `*` is all of them, and none at all.
    #[setting(live)]
    pub json_content_types: Vec<String>,
    /// Whether `/openapi.json` is served.
    #[setting(live)]
    pub openapi: bool,
    /// Whether answers carry a strong `ETag`, and `If-None-Match` is answered by 304.
    #[setting(live)]
    pub etag: bool,
    /// The room for answers of routes with `cache`.
    #[setting(live)]
    pub cache_size: ByteSize,
    /// Whether requests have ids, lines in the log and figures.
    #[setting(live)]
    pub observability: bool,
    /// How long the server goes on as before once the service stops; 5 s where `KUBERNETES_SERVICE_HOST` is set.
    #[setting(live)]
    pub pre_stop_delay: Option<Duration>,
    /// Compression of answers.
    #[setting(live)]
    pub compression: CompressionSettings,
    /// Requests from pages of other origins.
    #[setting(live)]
    pub cors: CorsSettings,
    /// When requests are turned away.
    #[setting(live)]
    pub load_shedding: LoadSheddingSettings,
    /// Limits of connections.
    #[setting(live)]
    pub connections: ConnectionSettings,
    /// Certificates; without them the server speaks clear text. Needs the feature `tls`.
    #[setting(live)]
    pub tls: Option<TlsSettings>,
}

/// Compression of answers.
#[derive(Debug, Clone, SettingsSchema)]
#[settings(default)]
pub struct CompressionSettings {
    /// Whether answers are compressed for clients that accept it.
    pub enabled: bool,
    /// Shorter answers are sent as they are.
    pub min_size: ByteSize,
}

/// Requests from pages of other origins; without an origin nothing is allowed.
#[derive(Debug, Clone, SettingsSchema)]
#[settings(default)]
pub struct CorsSettings {
    /// Origins that may ask, such as `https://shop.example`; `*` is all of them.
    pub origins: Vec<String>,
    /// Methods they may use; empty is those of the route.
    pub methods: Vec<String>,
    /// Request headers they may send; empty is those they ask for.
    pub headers: Vec<String>,
    /// Response headers that scripts may see.
    pub expose: Vec<String>,
    /// Whether cookies and the like may be sent along.
    pub credentials: bool,
    /// How long a browser may remember the answer.
    pub max_age: Duration,
}

/// When requests are turned away with 503 and `Retry-After`.
#[derive(Debug, Clone, SettingsSchema)]
#[settings(default)]
pub struct LoadSheddingSettings {
    /// Requests at work at the same time; 0 is no limit.
    pub max_in_flight: usize,
    /// How long work may wait for a thread, at the best moment of half a second, before some requests are turned away;
    /// 0 is no limit.
    pub max_lag: Duration,
}

impl HttpServerSettings {
    /// The address to listen on.
    pub(super) fn address(&self) -> SocketAddr {
        let everywhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let host = self.host.unwrap_or_else(|| if process::is_on_kubernetes() { everywhere } else { loopback });
        SocketAddr::new(host, self.port)
    }
}

impl Default for HttpServerSettings {
    fn default() -> Self {
        Self {
            host: None,
            port: 8080,
            request_timeout: Duration::from_secs(30),
            body_limit: ByteSize::mib(2),
            trailing_slash: true,
            json_content_types: Vec::new(),
            openapi: true,
            etag: true,
            cache_size: ByteSize::mib(16),
            observability: true,
            pre_stop_delay: None,
            compression: CompressionSettings::default(),
            cors: CorsSettings::default(),
            load_shedding: LoadSheddingSettings::default(),
            connections: ConnectionSettings::default(),
            tls: None,
        }
    }
}

impl Default for CompressionSettings {
    fn default() -> Self {
        Self { enabled: true, min_size: ByteSize::kib(1) }
    }
}

impl Default for CorsSettings {
    fn default() -> Self {
        let [origins, methods, headers, expose] = [const { Vec::new() }; 4];
        Self { origins, methods, headers, expose, credentials: false, max_age: Duration::from_secs(600) }
    }
}

impl Default for LoadSheddingSettings {
    fn default() -> Self {
        Self { max_in_flight: 10_000, max_lag: Duration::from_millis(200) }
    }
}
