//! TLS for a server: certificates from files, taken again when the files change, clients by certificate.
//!
//! rustls and ring do it, behind the feature `tls`; without the feature the settings are there to say so.

#[cfg(feature = "tls")]
mod certificates;
#[cfg(not(feature = "tls"))]
mod disabled;
#[cfg(feature = "tls")]
mod enabled;
#[cfg(feature = "tls")]
mod expiry;
mod info;
mod settings;

#[cfg(not(feature = "tls"))]
pub(super) use self::disabled::{Tls, TlsStream};
#[cfg(feature = "tls")]
pub(super) use self::enabled::{Tls, TlsStream};
pub use self::{
    info::{ClientCertificate, TlsInfo},
    settings::{ClientAuth, TlsSettings, TlsVersion},
};
