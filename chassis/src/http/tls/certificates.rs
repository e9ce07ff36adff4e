//! Certificates, keys and authorities in files, and the configuration that is made of them.

use std::{fs, io, path::Path, sync::Arc, time::SystemTime};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
    version::{TLS12, TLS13},
};

use super::{ClientAuth, TlsSettings, TlsVersion, expiry::Validity};
use crate::{Error, Result, ResultExt};

/// What the files hold, ready for handshakes.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) config: Arc<ServerConfig>,
    pub(super) validity: Validity,
}

impl Loaded {
    /// Reads all files.
    ///
    /// # Errors
    /// What is wrong, with which file.
    pub(super) fn read(settings: &TlsSettings) -> Result<Self> {
        let provider = Arc::new(ring::default_provider());
        let chain = certificates(&settings.certificate)?;
        let validity = Validity::of(&chain).with_context(|| in_file(&settings.certificate))?;
        let key =
            PrivateKeyDer::from_pem_file(&settings.key).map_err(|error| not_in(&settings.key, "private key", error))?;
        let versions: &[_] = match settings.min_version {
            TlsVersion::Tls12 => &[&TLS12, &TLS13],
            TlsVersion::Tls13 => &[&TLS13],
        };
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions)?;
        let builder = match client_verifier(settings, provider)? {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, key).with_context(|| {
            format!(
                "the key {} does not fit the certificate {}",
                in_file(&settings.key),
                in_file(&settings.certificate)
            )
        })?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), validity })
    }
}

/// Why something is not to be had from a file: it cannot be read, or holds something else.
fn not_in(path: &Path, what: &str, error: pem::Error) -> Error {
    match error {
        pem::Error::Io(error) => Error::from(error).context(format!("cannot read the {what} {}", in_file(path))),
        error => Error::msg(error).context(format!("no {what} {}", in_file(path))),
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| not_in(path, "certificates", error))?;
    if found.is_empty() {
        return Err(Error::msg(format!("no certificates {}", in_file(path))));
    }
    Ok(found)
}

fn client_verifier(
    settings: &TlsSettings,
    provider: Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>> {
    let Some(path) = &settings.client_ca else { return Ok(None) };
    let mut roots = RootCertStore::empty();
    for authority in certificates(path)? {
        roots.add(authority).with_context(|| format!("an authority cannot be used {}", in_file(path)))?;
    }
    let mut verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    if settings.client_auth == ClientAuth::Optional {
        verifier = verifier.allow_unauthenticated();
    }
    Ok(Some(verifier.build()?))
}

fn in_file(path: &Path) -> String {
    format!("in `{}`", path.display())
}

/// What tells a changed file from the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamps(Vec<Option<(u64, Option<SystemTime>, u64)>>);

impl Stamps {
    /// Looks at the files, through links, so that what Kubernetes swaps is noticed.
    pub(super) fn of(settings: &TlsSettings) -> Self {
        let files = [Some(&settings.certificate), Some(&settings.key), settings.client_ca.as_ref()];
        Self(files.into_iter().flatten().map(|path| stamp(path).ok()).collect())
    }
}

fn stamp(path: &Path) -> io::Result<(u64, Option<SystemTime>, u64)> {
    let metadata = fs::metadata(path)?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let inode = 0;
    Ok((metadata.len(), metadata.modified().ok(), inode))
}
