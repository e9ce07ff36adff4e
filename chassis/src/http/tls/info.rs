//! What the handshake of a connection agreed on, as handlers may ask for it.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use bytes::Bytes;
use http::{StatusCode, request::Parts};

/// The TLS of a connection. A handler takes it as an `Option<TlsInfo>`, which is `None` in clear text.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TlsInfo {
    /// The version, such as `TLSv1_3`.
    pub version: &'static str,
    /// Whether the client asked for HTTP/2.
    pub is_http2: bool,
    /// The name the client asked for.
    pub server_name: Option<Arc<str>>,
    /// The certificate the client showed, signed by an authority in `client_ca`.
    pub client: Option<ClientCertificate>,
}

/// A client's certificate that was checked.
///
/// A handler that takes it answers 403 to clients without one; `Option<ClientCertificate>` serves them too.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ClientCertificate {
    /// Whose it is, such as `CN=billing, O=Example`.
    pub subject: Arc<str>,
    /// The certificate as it was sent.
    pub der: Bytes,
}

impl<S: Sync> OptionalFromRequestParts<S> for TlsInfo {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, StatusCode> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

impl<S: Sync> FromRequestParts<S> for ClientCertificate {
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let certificate = parts.extensions.get::<TlsInfo>().and_then(|tls| tls.client.clone());
        certificate.ok_or((StatusCode::FORBIDDEN, "this needs a client certificate"))
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for ClientCertificate {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, StatusCode> {
        Ok(parts.extensions.get::<TlsInfo>().and_then(|tls| tls.client.clone()))
    }
}
