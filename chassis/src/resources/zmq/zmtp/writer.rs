//! The writing half of a connection: its task writes what was gathered, and who has a single message writes it at once.

use std::{
    io,
    net::Shutdown,
    sync::{Mutex, MutexGuard, PoisonError, TryLockError},
};

use bytes::{Buf as _, BytesMut};
use tokio::{net::tcp::OwnedWriteHalf, sync::Notify};

use super::{frame::encode_behind, peer::BATCH};

/// The writing half of a connection.
#[derive(Debug)]
pub(in super::super) struct Writer {
    half: OwnedWriteHalf,
    begun: Mutex<Begun>,
    /// Something that was begun is to be ended.
    news: Notify,
}

/// What is on its way into the kernel.
#[derive(Debug, Default)]
struct Begun {
    /// The end of what was written at once, for which the kernel had no room.
    rest: BytesMut,
    /// The task of the connection is at it.
    is_taken: bool,
}

impl Writer {
    pub(super) fn new(half: OwnedWriteHalf) -> Self {
        Self { half, begun: Mutex::default(), news: Notify::new() }
    }

    /// Writes a message from the task that has it, which saves waking another one: behind these parts the last one, of so many
    /// bytes, which `body` writes. `false` when that cannot be done now, and then nothing of it is written.
    ///
    /// It is not in order with what waits for the task of the connection.
    pub(in super::super) fn write_now<T: AsRef<[u8]>>(
        &self,
        parts: &[T],
        length: usize,
        body: impl FnOnce(&mut BytesMut),
    ) -> bool {
        // One that is long costs more than to wake somebody, and its memory would be kept.
        if parts.iter().map(|part| part.as_ref().len()).sum::<usize>() + length > BATCH {
            return false;
        }
        let mut begun = match self.begun.try_lock() {
            Ok(begun) => begun,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        if begun.is_taken || !begun.rest.is_empty() {
            return false;
        }
        encode_behind(&mut begun.rest, parts, length, body);
        // What is wrong with the connection its task finds out as well.
        let written = self.half.try_write(&begun.rest).unwrap_or(0);
        if written == 0 {
            begun.rest.clear();
            return false;
        }
        if written == begun.rest.len() {
            begun.rest.clear();
        } else {
            begun.rest.advance(written);
            self.news.notify_one();
        }
        true
    }

    /// Waits until something was begun that only [`write`](Self::write) can end.
    pub(super) async fn left(&self) {
        self.news.notified().await;
    }

    /// Writes what was begun, and then this; nobody else writes meanwhile.
    ///
    /// # Errors
    /// When the connection is lost.
    pub(super) async fn write(&self, bytes: &[u8]) -> io::Result<()> {
        self.take().await?;
        self.write_all(bytes).await?;
        self.lock().is_taken = false;
        Ok(())
    }

    /// Writes what was begun; from then on nobody else writes.
    async fn take(&self) -> io::Result<()> {
        let rest = {
            let mut begun = self.lock();
            begun.is_taken = true;
            (!begun.rest.is_empty()).then(|| std::mem::take(&mut begun.rest))
        };
        match rest {
            Some(rest) => self.write_all(&rest).await,
            None => Ok(()),
        }
    }

    /// Writes what was begun, and says that nothing will be written any more.
    ///
    /// # Errors
    /// When the connection is lost.
    pub(super) async fn end(&self) -> io::Result<()> {
        self.take().await?;
        socket2::SockRef::from(self.half.as_ref()).shutdown(Shutdown::Write)
    }

    async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.half.try_write(bytes) {
                Ok(written) => bytes.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.half.writable().await?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Begun> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use tokio::{
        io::AsyncReadExt as _,
        net::{TcpListener, TcpStream},
    };

    use super::{super::frame::encode, *};

    fn write_now(writer: &Writer, body: &[u8]) -> bool {
        writer.write_now::<&[u8]>(&[], body.len(), |out| out.extend_from_slice(body))
    }

    async fn pair() -> (Writer, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (stream, accepted) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        (Writer::new(stream.unwrap().into_split().1), accepted.unwrap().0)
    }

    #[tokio::test]
    async fn what_the_kernel_has_no_room_for_is_ended_before_anything_else() {
        let (writer, mut reader) = pair().await;
        writer.half.writable().await.unwrap();
        assert!(!write_now(&writer, &[0; BATCH + 1]), "it is long");
        assert!(!writer.write_now(&[&[0; BATCH + 1]], 0, |_| ()), "what is in front of it is long");
        let (piece, mut count) = (vec![b'x'; BATCH], 0);
        while write_now(&writer, &piece) {
            count += 1;
        }
        assert!(!write_now(&writer, b"too early"), "there is no room");
        let reading = async {
            let mut read = Vec::new();
            reader.read_to_end(&mut read).await.unwrap();
            read
        };
        let writing = async {
            writer.write(b"gathered").await.unwrap();
            assert!(write_now(&writer, b"second"));
            writer.end().await.unwrap();
            assert!(!write_now(&writer, b"too late"));
        };
        let (read, ()) = tokio::join!(reading, writing);
        let mut expected = BytesMut::new();
        (0..count).for_each(|_| encode(&mut expected, &[&piece]));
        expected.extend_from_slice(b"gathered");
        encode(&mut expected, &[b"second"]);
        assert!(read == expected, "{} bytes of {}", read.len(), expected.len());
    }
}
