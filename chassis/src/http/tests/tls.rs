//! TLS, with certificates made for the test.

use std::{fs, path::Path};

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tempfile::TempDir;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::*;
use crate::HealthStatus;

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "authority");
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate and its key, valid for so many days from now.
    fn issue(&self, name: &str, days: i64) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let day = Duration::from_secs(24 * 60 * 60);
        let now = std::time::SystemTime::now();
        params.not_before = (now - 400 * day).into();
        let days = i32::try_from(days).unwrap();
        params.not_after =
            if days < 0 { (now - days.unsigned_abs() * day).into() } else { (now + days.unsigned_abs() * day).into() };
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

/// Files of a server with a certificate for so many days.
fn files(authority: &Authority, days: i64) -> (TempDir, TlsSettings) {
    let folder = TempDir::new().unwrap();
    write(folder.path(), &authority.issue("server", days));
    let settings = TlsSettings {
        certificate: folder.path().join("cert.pem"),
        key: folder.path().join("key.pem"),
        client_ca: None,
        client_auth: ClientAuth::Required,
        min_version: TlsVersion::Tls12,
        handshake_timeout: Duration::from_secs(5),
        reload_interval: Duration::from_millis(20),
        warn_before_expiry: Duration::from_secs(14 * 24 * 60 * 60),
    };
    (folder, settings)
}

fn write(folder: &Path, (certificate, key): &(String, String)) {
    fs::write(folder.join("cert.pem"), certificate).unwrap();
    fs::write(folder.join("key.pem"), key).unwrap();
}

fn secure(tls: &TlsSettings) -> (Server, Echo) {
    let (echo, settings) = (Echo::new(), ConnectionSettings::default());
    let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0)), &settings, "system.resources.http").unwrap();
    let server = listener.secure(tls, "system.resources.http.tls").unwrap().serve(&settings, echo.clone(), spawner());
    server.open();
    (server, echo)
}

async fn connect(
    server: &Server,
    authority: &Authority,
    client: Option<(String, String)>,
    alpn: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match client {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => builder
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap(),
    };
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    let stream = TcpStream::connect(server.address()).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

/// One request; with TLS 1.3 a refused client certificate shows only here.
async fn get(mut stream: TlsStream<TcpStream>, path: &str) -> std::io::Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    timeout(ENOUGH, stream.read_to_string(&mut answer)).await.unwrap()?;
    Ok(answer)
}

/// The name on the certificate that a new connection is shown.
async fn shown(server: &Server, authority: &Authority) -> Vec<u8> {
    let stream = connect(server, authority, None, &[]).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

#[tokio::test]
async fn requests_are_served_encrypted_by_either_protocol() {
    let authority = Authority::new();
    let (_files, tls) = files(&authority, 90);
    let (server, _echo) = secure(&tls);
    assert_eq!(server.health().status(), HealthStatus::Pass);
    let stream = connect(&server, &authority, None, &[]).await.unwrap();
    assert!(get(stream, "/clear").await.unwrap().ends_with("/clear 0"));

    let stream = connect(&server, &authority, None, &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get("https://localhost/two").body(Full::<Bytes>::default()).unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
    server.close().await;
    timeout(ENOUGH, server.drain()).await.unwrap();
    timeout(ENOUGH, connection).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_speaks_clear_text_is_told_so() {
    let authority = Authority::new();
    let (_files, tls) = files(&authority, 90);
    let (server, _echo) = secure(&tls);
    let mut client = Raw::connect(&server).await;
    client.get("/").await;
    let answer = client.rest().await;
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("speaks https, the request was http\r\n"),
        "{answer}"
    );
    eventually(|| server.statistics().failed_handshakes == 1).await;
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_cut_off_and_holds_up_nobody() {
    let authority = Authority::new();
    let (_files, mut tls) = files(&authority, 90);
    tls.handshake_timeout = Duration::from_millis(300);
    let (server, _echo) = secure(&tls);
    let mut silent = Raw::connect(&server).await;
    silent.send(b"\x16\x03\x01").await;
    let stream = connect(&server, &authority, None, &[]).await.unwrap();
    assert!(get(stream, "/").await.unwrap().ends_with("/ 0"));
    assert_eq!(silent.rest().await, "");
    eventually(|| server.statistics().failed_handshakes == 1).await;
}

#[tokio::test]
async fn only_clients_with_a_certificate_of_the_authority_are_served() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (folder, mut tls) = files(&authority, 90);
    fs::write(folder.path().join("ca.pem"), &authority.pem).unwrap();
    tls.client_ca = Some(folder.path().join("ca.pem"));
    let (server, _echo) = secure(&tls);
    let ask = async |client| get(connect(&server, &authority, client, &[]).await?, "/").await;
    assert!(ask(Some(authority.issue("billing", 90))).await.unwrap().ends_with("/ 0"));
    assert!(ask(None).await.is_err());
    assert!(ask(Some(stranger.issue("billing", 90))).await.is_err());
    assert!(ask(Some(authority.issue("billing", -1))).await.is_err());

    tls.client_auth = ClientAuth::Optional;
    let (server, _echo) = secure(&tls);
    let ask = async |client| get(connect(&server, &authority, client, &[]).await?, "/whoami").await;
    assert!(ask(None).await.unwrap().ends_with("nobody"));
    assert!(ask(Some(authority.issue("billing", 90))).await.unwrap().ends_with("CN=billing"));
    assert!(ask(Some(stranger.issue("billing", 90))).await.is_err());
}

#[tokio::test]
async fn an_old_version_is_refused_where_the_new_one_is_asked_for() {
    let authority = Authority::new();
    let (_files, mut tls) = files(&authority, 90);
    tls.min_version = TlsVersion::Tls13;
    let (server, _echo) = secure(&tls);
    let stream = connect(&server, &authority, None, &[]).await.unwrap();
    assert_eq!(stream.get_ref().1.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
}

#[tokio::test]
async fn changed_files_are_used_and_broken_ones_are_not() {
    let authority = Authority::new();
    let (folder, tls) = files(&authority, 90);
    let (server, _echo) = secure(&tls);
    let first = shown(&server, &authority).await;

    fs::write(folder.path().join("key.pem"), authority.issue("other", 90).1).unwrap();
    eventually(|| server.health().status() == HealthStatus::Warn).await;
    let problem = server.health().output().unwrap().to_owned();
    assert!(problem.contains("stay in use") && problem.contains("key.pem"), "{problem}");
    assert_eq!(shown(&server, &authority).await, first);

    write(folder.path(), &authority.issue("second", 90));
    eventually(|| server.health().status() == HealthStatus::Pass).await;
    assert_ne!(shown(&server, &authority).await, first);

    fs::remove_file(folder.path().join("cert.pem")).unwrap();
    eventually(|| server.health().status() == HealthStatus::Warn).await;
}

#[tokio::test]
async fn the_health_knows_when_the_certificate_expires() {
    let authority = Authority::new();
    for (days, status, text) in
        [(90, HealthStatus::Pass, ""), (5, HealthStatus::Warn, "expires in "), (-2, HealthStatus::Fail, "expired on")]
    {
        let (_files, tls) = files(&authority, days);
        let health = secure(&tls).0.health();
        assert_eq!(health.status(), status);
        assert!(health.output().unwrap_or_default().contains(text), "{health:?}");
    }
}

#[tokio::test]
async fn files_that_are_missing_or_do_not_fit_are_told_at_the_start() {
    let authority = Authority::new();
    let (folder, tls) = files(&authority, 90);
    let settings = ConnectionSettings::default();
    let try_with = |tls: &TlsSettings| {
        let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0)), &settings, "x").unwrap();
        let error = listener.secure(tls, "system.resources.http.tls").unwrap_err();
        assert!(error.is_misconfigured());
        format!("{error:#}")
    };
    let missing = try_with(&TlsSettings { key: "/nowhere/key.pem".into(), ..tls.clone() });
    assert!(missing.contains("system.resources.http.tls") && missing.contains("/nowhere/key.pem"), "{missing}");
    fs::write(folder.path().join("key.pem"), authority.issue("other", 90).1).unwrap();
    let unfit = try_with(&tls);
    assert!(unfit.contains("does not fit") && unfit.contains("cert.pem"), "{unfit}");
    fs::write(folder.path().join("cert.pem"), "nothing").unwrap();
    let empty = try_with(&tls);
    assert!(empty.contains("no certificates in") && empty.contains("cert.pem"), "{empty}");
}
