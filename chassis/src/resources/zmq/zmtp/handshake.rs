//! The first words of both sides: who they are, and that they fit together.

use std::{sync::Arc, time::Duration};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::timeout};

use super::{
    frame::{Item, encode_command},
    kind::SocketKind,
    peer::{Peer, Reader},
    writer::Writer,
};
use crate::{Error, Result};

/// How long a peer may take for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The length of a greeting.
const GREETING: usize = 64;
/// The lowest version that is spoken here.
const VERSION: u8 = 3;

/// Exchanges greetings and names over a new connection.
///
/// # Errors
/// Unavailable: the peer is none, or none for this socket.
pub(super) async fn shake_hands(stream: TcpStream, kind: SocketKind, limit: u64) -> Result<Peer> {
    match timeout(PATIENCE, exchange(stream, kind, limit)).await {
        Ok(result) => result,
        Err(_) => Err(Error::unavailable(Error::msg(format!("no handshake within {PATIENCE:?}")))),
    }
}

async fn exchange(stream: TcpStream, kind: SocketKind, limit: u64) -> Result<Peer> {
    let address = stream.peer_addr()?;
    let (read, mut write) = stream.into_split();
    let mut reader = Reader::new(read, limit);
    write.write_all(&greeting()).await?;
    let greeting = reader.exactly(GREETING).await?;
    check(&greeting).map_err(Error::unavailable)?;
    let mut ready = BytesMut::new();
    let property = |name: &str, value: &str| {
        [&[name.len() as u8], name.as_bytes(), &(value.len() as u32).to_be_bytes(), value.as_bytes()].concat()
    };
    encode_command(&mut ready, "READY", &[property("Socket-Type", kind.name()), property("Identity", "")].concat());
    write.write_all(&ready).await?;
    let reason = match reader.next().await? {
        Some(Item::Command(name, body)) if name == "READY" => match socket_type(body) {
            Some(found) if kind.peers().iter().any(|known| known.as_bytes() == found) => {
                return Ok(Peer { address, reader, writer: Arc::new(Writer::new(write)) });
            }
            Some(found) => {
                let wanted = kind.peers().join("` or `");
                let found = found.escape_ascii();
                format!("a socket of the kind `{found}` is there, and `{}` talks to `{wanted}`", kind.name())
            }
            None => "the handshake does not say what socket it is".to_owned(),
        },
        Some(Item::Command(name, body)) if name == "ERROR" => {
            format!("it refuses: {}", body.get(1..).unwrap_or_default().escape_ascii())
        }
        Some(_) => "there is no handshake".to_owned(),
        None => "it closed the connection at the handshake".to_owned(),
    };
    Err(Error::unavailable(Error::msg(reason)))
}

/// The signature, version 3.1, the mechanism `NULL`, and nothing.
fn greeting() -> [u8; GREETING] {
    let mut greeting = [0; GREETING];
    greeting[0] = 0xff;
    greeting[9] = 0x7f;
    greeting[10] = VERSION;
    greeting[11] = 1;
    greeting[12..16].copy_from_slice(b"NULL");
    greeting
}

fn check(greeting: &[u8]) -> Result<(), Error> {
    let wrong = match greeting {
        [0xff, _, _, _, _, _, _, _, _, 0x7f, version, _, mechanism @ ..] => {
            let mechanism = mechanism.get(..20).unwrap_or_default();
            let mechanism = mechanism.split(|byte| *byte == 0).next().unwrap_or_default();
            match (*version, mechanism) {
                (VERSION.., b"NULL") => return Ok(()),
                (VERSION.., other) => format!(
                    "it wants the security mechanism `{}`; only `NULL` is spoken here, so put a tunnel in between",
                    other.escape_ascii()
                ),
                (version, _) => format!("it speaks version {version} of ZMTP; ZeroMQ 4 and later speak 3"),
            }
        }
        _ => "it does not speak ZMTP".to_owned(),
    };
    Err(Error::msg(wrong))
}

/// What socket the peer says it is.
fn socket_type(mut properties: Bytes) -> Option<Bytes> {
    while properties.has_remaining() {
        let length = usize::from(properties.get_u8());
        if properties.remaining() < length + 4 {
            return None;
        }
        let name = properties.split_to(length);
        let length = usize::try_from(properties.get_u32()).ok()?;
        if properties.remaining() < length {
            return None;
        }
        let value = properties.split_to(length);
        if name.eq_ignore_ascii_case(b"Socket-Type") {
            return Some(value);
        }
    }
    None
}
