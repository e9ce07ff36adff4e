//! Certificates for 127.0.0.1 and `localhost`, made for a test.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, date_time_ymd};
use tempfile::TempDir;

/// Certificates in a folder: those of an authority (`ca.pem`), and of another one (`stranger.pem`), which has signed none.
pub struct Certificates {
    folder: TempDir,
    authority: Issuer<'static, KeyPair>,
}

impl Certificates {
    /// With `server` and `client`, which are good, `expired`, and `elsewhere`, which is for another address.
    ///
    /// # Panics
    ///
    /// When they cannot be made.
    pub fn make() -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder for certificates: {error}"));
        let authority = authority(folder.path(), "ca");
        drop(self::authority(folder.path(), "stranger"));
        let certificates = Self { folder, authority };
        certificates.sign("server", 2099, "127.0.0.1");
        certificates.sign("client", 2099, "127.0.0.1");
        certificates.sign("expired", 2020, "127.0.0.1");
        certificates.sign("elsewhere", 2099, "127.0.0.2");
        certificates
    }

    /// Makes `<name>.pem` and `<name>.key` anew: a certificate for this address that is good until that year.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub fn sign(&self, name: &str, until: i32, address: &str) {
        let key = key();
        let address = address.parse().unwrap_or_else(|error| panic!("{address}: {error}"));
        let names = if address == std::net::Ipv4Addr::LOCALHOST { vec!["localhost".to_owned()] } else { Vec::new() };
        let mut params = params(name, names);
        params.subject_alt_names.push(SanType::IpAddress(address));
        (params.not_before, params.not_after) = (date_time_ymd(2019, 1, 1), date_time_ymd(until, 1, 1));
        let signed = params.signed_by(&key, &self.authority).unwrap_or_else(|error| panic!("{name}: {error}"));
        write(&self.path(&format!("{name}.pem")), &signed.pem());
        write(&self.path(&format!("{name}.key")), &key.serialize_pem());
    }

    /// The certificate of the authority, in PEM.
    ///
    /// # Panics
    ///
    /// When it is gone.
    pub fn authority(&self) -> String {
        fs::read_to_string(self.path("ca.pem")).unwrap_or_else(|error| panic!("ca.pem: {error}"))
    }

    /// A file in the folder.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }
}

fn authority(folder: &Path, name: &str) -> Issuer<'static, KeyPair> {
    let key = key();
    let mut params = params(name, Vec::new());
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let signed = params.self_signed(&key).unwrap_or_else(|error| panic!("{name}: {error}"));
    write(&folder.join(format!("{name}.pem")), &signed.pem());
    Issuer::new(params, key)
}

fn params(name: &str, names: Vec<String>) -> CertificateParams {
    let mut params = CertificateParams::new(names).unwrap_or_else(|error| panic!("{name}: {error}"));
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn key() -> KeyPair {
    KeyPair::generate().unwrap_or_else(|error| panic!("no key: {error}"))
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
