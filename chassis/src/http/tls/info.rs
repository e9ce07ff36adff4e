//! What the handshake of a connection agreed on.

/// The TLS of a connection.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TlsInfo {
    /// The version, such as `TLSv1.3`.
    pub version: &'static str,
    /// Whether the client asked for HTTP/2.
    pub is_http2: bool,
    /// The name the client asked for.
    pub server_name: Option<String>,
    /// The certificate the client showed, signed by an authority in `client_ca`.
    pub client: Option<ClientCertificate>,
}

/// A client's certificate that was checked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ClientCertificate {
    /// Whose it is, such as `CN=billing, O=Example`.
    pub subject: String,
    /// The certificate as it was sent.
    pub der: Vec<u8>,
}
