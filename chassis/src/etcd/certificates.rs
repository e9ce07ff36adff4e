//! Certificates: whom a client trusts, and what it shows of itself.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use etcd_client::{Certificate, Identity, TlsOptions};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::failure::Failure;

/// What is in the files, read anew for each connection: certificates are replaced while a service runs.
pub(crate) struct Certificates {
    /// The authorities; the system's where there is none.
    authorities: Option<Vec<u8>>,
    /// A certificate with what leads to its authority, and its key.
    identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl Certificates {
    /// Reads the files.
    ///
    /// # Errors
    /// The file that cannot be read, or is no PEM file of that kind.
    pub(crate) fn read(authorities: Option<&PathBuf>, identity: Option<&(PathBuf, PathBuf)>) -> Result<Self, Failure> {
        let authorities = authorities.map(|path| certificates(path)).transpose()?;
        let identity = match identity {
            Some((certificate, key)) => Some((certificates(certificate)?, private_key(key)?)),
            None => None,
        };
        Ok(Self { authorities, identity })
    }

    /// As the client of etcd takes them.
    pub(crate) fn options(&self) -> TlsOptions {
        let tls = match &self.authorities {
            Some(pem) => TlsOptions::new().ca_certificate(Certificate::from_pem(pem)),
            None => TlsOptions::new().with_native_roots(),
        };
        match &self.identity {
            Some((certificate, key)) => tls.identity(Identity::from_pem(certificate, key)),
            None => tls,
        }
    }

    /// The authorities, where they are not the system's.
    pub(crate) fn roots(&self) -> Option<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(self.authorities.as_ref()?).flatten());
        Some(roots)
    }

    /// The certificate and its key.
    pub(crate) fn identity(&self) -> Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
        let (certificate, key) = self.identity.as_ref()?;
        Some((
            CertificateDer::pem_slice_iter(certificate).flatten().collect(),
            PrivateKeyDer::from_pem_slice(key).ok()?,
        ))
    }
}

fn certificates(path: &Path) -> Result<Vec<u8>, Failure> {
    let pem = read(path)?;
    let has_some = CertificateDer::pem_slice_iter(&pem).next().is_some_and(|first| first.is_ok());
    if has_some {
        Ok(pem)
    } else {
        Err(wrong(path, "has no certificate in it, which begins with `-----BEGIN CERTIFICATE-----`"))
    }
}

fn private_key(path: &Path) -> Result<Vec<u8>, Failure> {
    let pem = read(path)?;
    match PrivateKeyDer::from_pem_slice(&pem) {
        Ok(_) => Ok(pem),
        Err(_) => Err(wrong(path, "has no private key in it that can be used")),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => wrong(path, "cannot be read: there is no such file"),
        io::ErrorKind::PermissionDenied => wrong(path, "cannot be read: this process may not"),
        _ => wrong(path, &format!("cannot be read: {error}")),
    })
}

fn wrong(path: &Path, what: &str) -> Failure {
    Failure::misconfigured(format!("`{}` {what}", path.display()))
}
