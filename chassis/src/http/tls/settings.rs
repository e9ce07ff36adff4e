//! Which certificates a server shows and asks for.

use std::{path::PathBuf, time::Duration};

use crate::settings::SettingsSchema;

/// TLS of one HTTP server; needs the feature `tls`.
#[derive(Debug, Clone, PartialEq, Eq, SettingsSchema)]
pub struct TlsSettings {
    /// PEM file with the server's certificate, followed by those between it and the authority.
    pub certificate: PathBuf,
    /// PEM file with the private key of the certificate.
    pub key: PathBuf,
    /// PEM file with the authorities whose certificates clients show. Without it no client is asked.
    #[setting(default)]
    pub client_ca: Option<PathBuf>,
    /// Whether a client without a certificate is refused, where `client_ca` is set.
    #[setting(default)]
    pub client_auth: ClientAuth,
    /// The oldest version that is spoken.
    #[setting(default)]
    pub min_version: TlsVersion,
    /// Time a client has for the handshake.
    #[setting(default = "10s", range = "1ms"..)]
    pub handshake_timeout: Duration,
    /// How often the files are looked at; changed ones are used for new connections.
    #[setting(default = "10s", range = "10ms"..)]
    pub reload_interval: Duration,
    /// How long before the certificate expires the health of the server warns.
    #[setting(default = "14d")]
    pub warn_before_expiry: Duration,
}

impl TlsSettings {
    /// Whether who was let in by these would be by `other`.
    pub(in crate::http) fn has_same_terms(&self, other: &Self) -> bool {
        (&self.client_ca, self.client_auth, self.min_version)
            == (&other.client_ca, other.client_auth, other.min_version)
    }
}

/// What a client without a certificate gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, SettingsSchema)]
pub enum ClientAuth {
    /// No connection.
    #[default]
    Required,
    /// A connection like any other.
    Optional,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, SettingsSchema)]
pub enum TlsVersion {
    /// TLS 1.2, which old clients need.
    #[default]
    #[setting(rename = "tls12")]
    Tls12,
    /// TLS 1.3.
    #[setting(rename = "tls13")]
    Tls13,
}
