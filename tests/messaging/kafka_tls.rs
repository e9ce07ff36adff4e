//! Kafka by TLS: a broker of its own, behind somebody who speaks TLS for it.

use std::{fs, sync::Arc};

use chassis::{Cause, messaging::kafka::KafkaEngine};
use chassis_tests::{Certificates, KafkaServer, free_port};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
        server::WebPkiClientVerifier,
    },
};

use super::{
    place::Place,
    scene::Scene,
    services::{Job, Sender},
    sights::Sights,
};

/// A cluster by the settings with which it lets a service in.
pub(crate) struct LetIn(pub(crate) Value);

impl Place for LetIn {
    type Engine = KafkaEngine;

    fn settings(&self, space: &str) -> Value {
        let mut settings = self.0.clone();
        settings["topics_prefix"] = space.into();
        settings["group"] = space.into();
        settings
    }
}

/// Speaks TLS for who is at this port, to those who show a certificate.
async fn in_front_of(port: u16, certificates: &Certificates) -> u16 {
    let read = |name: &str| fs::read(certificates.path(name)).unwrap();
    let all_of = |name: &str| CertificateDer::pem_slice_iter(&read(name)).map(Result::unwrap).collect::<Vec<_>>();
    let mut authorities = RootCertStore::empty();
    all_of("ca.pem").into_iter().for_each(|authority| authorities.add(authority).unwrap());
    let verifier = WebPkiClientVerifier::builder(Arc::new(authorities)).build().unwrap();
    let key = PrivateKeyDer::from_pem_slice(&read("server.key")).unwrap();
    let config = ServerConfig::builder().with_client_cert_verifier(verifier);
    let acceptor = TlsAcceptor::from(Arc::new(config.with_single_cert(all_of("server.pem"), key).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Those that are refused, or go, have their reasons.
                let Ok(mut client) = acceptor.accept(client).await else { return };
                let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    own
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_spoken_to_by_tls_and_is_asked_who_it_is() {
    let (certificates, port) = (Certificates::make(), free_port());
    let front = in_front_of(port, &certificates).await;
    let Some(server) = KafkaServer::at(port, front) else { return };
    let file = |name: &str| certificates.path(name).display().to_string();
    let own = json!({ "ca": file("ca.pem"), "certificate": file("client.pem"), "key": file("client.key") });
    let place = LetIn(json!({ "bootstrap_servers": server.servers(), "tls": own }));
    let (scene, sights) = (Scene::new(&Arc::new(place)), Sights::default());
    let (sender, worker) = (scene.sender().await, scene.puller(&sights).await);
    sender.service().broker.push("jobs", &Job::new(1)).await.unwrap();
    sights.messages(1).await;
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
    let strangers = json!({ "ca": file("stranger.pem"), "certificate": file("client.pem"), "key": file("client.key") });
    let nobodys = json!({ "ca": file("ca.pem") });
    let missing = json!({ "ca": file("nobody.pem") });
    for (tls, cause, told) in [
        (strangers, Cause::Misconfigured, "certificate verify failed"),
        (nobodys, Cause::Misconfigured, "certificate"),
        (missing, Cause::Misconfigured, "nobody.pem` cannot be read"),
    ] {
        let broker = json!({
            "bootstrap_servers": server.servers(),
            "tls": tls,
            "lifecycle": { "start_timeout": "5s" },
        });
        let settings = json!({ "resources": { "broker": broker } });
        let error = Sender::<KafkaEngine>::builder().settings(settings).start().await.err().unwrap();
        assert_eq!(error.cause(), cause, "{error:#}");
        assert!(format!("{error:#}").contains(told), "{error:#}");
    }
}
