//! The kinds of sockets, and who talks to whom.

/// A kind of socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum SocketKind {
    /// Answers requests.
    Rep,
    /// Sends requests. It is what libzmq's REQ is without its lock step: it may have several on their way.
    Dealer,
    Pub,
    Sub,
    Push,
    Pull,
}

impl SocketKind {
    /// The name in the handshake.
    pub(in super::super) fn name(self) -> &'static str {
        match self {
            SocketKind::Rep => "REP",
            SocketKind::Dealer => "DEALER",
            SocketKind::Pub => "PUB",
            SocketKind::Sub => "SUB",
            SocketKind::Push => "PUSH",
            SocketKind::Pull => "PULL",
        }
    }

    /// The names of those it talks to.
    pub(in super::super) fn peers(self) -> &'static [&'static str] {
        match self {
            SocketKind::Rep => &["REQ", "DEALER"],
            SocketKind::Dealer => &["REP", "ROUTER"],
            SocketKind::Pub => &["SUB", "XSUB"],
            SocketKind::Sub => &["PUB", "XPUB"],
            SocketKind::Push => &["PULL"],
            SocketKind::Pull => &["PUSH"],
        }
    }
}
