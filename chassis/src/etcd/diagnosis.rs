//! Why a connection ended that says only that it ended: a look at what answers at the address.

use std::{io, sync::Arc, time::Duration};

use rustls::{ClientConfig, crypto::ring, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{
    certificates::Certificates,
    failure::{Failure, of_tls},
    options::Options,
};

/// What a client of HTTP/2 says first: the preface, and settings that set nothing.
const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// The head of a frame.
const HEAD: usize = 9;

/// How long what answers may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is wrong with whatever answers at the endpoint, if that can be seen.
pub(crate) async fn diagnose(options: &Options, at: usize) -> Option<Failure> {
    let endpoint = &options.endpoints[at];
    let certificates = options.certificates(endpoint).ok()?;
    timeout(PATIENCE, look(endpoint, certificates.as_ref())).await.ok().flatten()
}

async fn look(endpoint: &str, certificates: Option<&Certificates>) -> Option<Failure> {
    let (_, authority) = endpoint.split_once("://")?;
    let stream = TcpStream::connect(authority).await.ok()?;
    let Some(certificates) = certificates else { return greet(stream).await };
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().ok()?.with_root_certificates(certificates.roots()?);
    let mut config = match certificates.identity() {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).ok()?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    let host = authority.rsplit_once(':')?.0.trim_matches(['[', ']']).to_owned();
    match TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(host).ok()?, stream).await {
        Ok(stream) => greet(stream).await,
        Err(error) => of_tls(&error),
    }
}

/// Says what a client of etcd says, and looks at what is answered: the settings of the server come first.
async fn greet(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Option<Failure> {
    let mut answer = Vec::with_capacity(HEAD);
    let greeted = async {
        stream.write_all(HELLO).await?;
        stream.flush().await?;
        while answer.len() < HEAD && stream.read_buf(&mut answer).await? > 0 {}
        Ok(())
    };
    let greeted: io::Result<()> = greeted.await;
    match greeted {
        Err(error) if answer.is_empty() => of_tls(&error).or_else(|| of_answer(&answer)),
        // What was answered before the connection was cut says more than the cut.
        _ => of_answer(&answer),
    }
}

fn of_answer(answer: &[u8]) -> Option<Failure> {
    match answer {
        [] => Some(
            Failure::unavailable("it closes every connection at once")
                .help("where it expects TLS, the endpoint begins with `https://`"),
        ),
        [_, _, _, 4, _, 0, 0, 0, 0, ..] => None,
        [0x15 | 0x16, 3, ..] => {
            Some(Failure::misconfigured("what answers there speaks TLS").help("write the endpoint with `https://`"))
        }
        _ => Some(Failure::misconfigured("what answers there is no etcd: it does not speak HTTP/2")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_answers_is_known_by_its_first_bytes() {
        let seen = |answer: &[u8]| of_answer(answer).map(|failure| failure.what);
        assert!(seen(b"").is_some_and(|what| what.contains("closes")));
        assert_eq!(seen(b"\0\0\x06\x04\0\0\0\0\0"), None);
        assert!(seen(&[0x15, 3, 1, 0, 2, 2, 10]).is_some_and(|what| what.contains("TLS")));
        assert!(seen(b"HTTP/1.1 400").is_some_and(|what| what.contains("no etcd")));
        assert!(seen(b"x").is_some());
    }
}
