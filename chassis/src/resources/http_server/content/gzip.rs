//! Response bodies, compressed.

use std::{
    io::Write,
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Body;
use bytes::{Buf, BufMut, Bytes, BytesMut, buf::Writer};
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, header};
use http_body::{Frame, SizeHint};

use super::{
    super::asked::Asked,
    negotiation::{accepts_gzip, is_compressible, media_type},
};

/// Speed over the last percent: a service compresses the same few kilobytes all day.
const LEVEL: u32 = 4;

/// The most that is compressed between two looks at other work.
const SLICE: usize = 32 * 1024;

/// What is to be done with a response body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Choice {
    /// Nothing, whatever the client says.
    Never,
    /// Another client would get it compressed: caches have to know.
    NotForThisClient,
    /// Compress it.
    Gzip,
}

/// Decides by the headers of both sides about a body that is long enough.
pub(in super::super) fn choose(asked: &Asked, response: &HeaderMap) -> Choice {
    let content_type = response.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let forbids = |value: &HeaderValue| value.as_bytes().windows(12).any(|word| word == b"no-transform");
    let is_fixed = response.contains_key(header::CONTENT_ENCODING)
        || response.contains_key(header::CONTENT_RANGE)
        || response.get_all(header::CACHE_CONTROL).iter().any(forbids);
    if is_fixed || !is_compressible(media_type(content_type)) {
        return Choice::Never;
    }
    match accepts_gzip(asked.all(header::ACCEPT_ENCODING).map(HeaderValue::as_bytes)) {
        true => Choice::Gzip,
        false => Choice::NotForThisClient,
    }
}

/// Compresses a whole body.
pub(in super::super) fn compress(body: &[u8]) -> Bytes {
    let mut encoder = encoder();
    // Writing to memory does not fail; if it ever did, an empty body would be seen at once.
    let _ = encoder.write_all(body);
    encoder.finish().map(|writer| writer.into_inner().freeze()).unwrap_or_default()
}

/// A body that is compressed while it is sent; what is ready is sent on whenever the original pauses.
pub(in super::super) struct GzipBody {
    inner: Body,
    encoder: Option<GzEncoder<Writer<BytesMut>>>,
    /// Taken from the original, not compressed yet.
    waiting: Bytes,
    /// Compressed since the last flush.
    is_dirty: bool,
    trailers: Option<HeaderMap>,
}

impl GzipBody {
    pub(in super::super) fn new(inner: Body) -> Self {
        Self { inner, encoder: Some(encoder()), waiting: Bytes::new(), is_dirty: false, trailers: None }
    }

    fn take(encoder: &mut GzEncoder<Writer<BytesMut>>) -> Option<Bytes> {
        let ready = encoder.get_mut().get_mut().split().freeze();
        (!ready.is_empty()).then_some(ready)
    }
}

impl http_body::Body for GzipBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        loop {
            let Some(encoder) = &mut this.encoder else {
                return Poll::Ready(this.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))));
            };
            if !this.waiting.is_empty() {
                let slice = this.waiting.split_to(this.waiting.len().min(SLICE));
                encoder.write_all(slice.chunk()).map_err(axum::Error::new)?;
                this.is_dirty = true;
                if let Some(ready) = Self::take(encoder) {
                    return Poll::Ready(Some(Ok(Frame::data(ready))));
                }
                continue;
            }
            match http_body::Body::poll_frame(Pin::new(&mut this.inner), cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => this.waiting = data,
                    Err(frame) => this.trailers = frame.into_trailers().ok(),
                },
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => {
                    let Some(encoder) = this.encoder.take() else { continue };
                    let rest = encoder.finish().map_err(axum::Error::new)?.into_inner().freeze();
                    return Poll::Ready(Some(Ok(Frame::data(rest))));
                }
                Poll::Pending if this.is_dirty => {
                    encoder.flush().map_err(axum::Error::new)?;
                    this.is_dirty = false;
                    if let Some(ready) = Self::take(encoder) {
                        return Poll::Ready(Some(Ok(Frame::data(ready))));
                    }
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.encoder.is_none() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

fn encoder() -> GzEncoder<Writer<BytesMut>> {
    GzEncoder::new(BytesMut::new().writer(), Compression::new(LEVEL))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::io::Read;

    use futures_util::stream;
    use http_body_util::BodyExt;

    use super::*;

    fn unzip(compressed: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(compressed).read_to_end(&mut text).unwrap();
        text
    }

    fn headers(pairs: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn pictures_and_what_is_encoded_already_are_left_alone() {
        let asked = Asked::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"))]);
        let json = (header::CONTENT_TYPE, "application/json");
        let check = |pairs: &[_]| choose(&asked, &headers(pairs));
        assert_eq!(check(std::slice::from_ref(&json)), Choice::Gzip);
        assert_eq!(check(&[(header::CONTENT_TYPE, "image/png")]), Choice::Never);
        assert_eq!(check(&[]), Choice::Never);
        assert_eq!(check(&[json.clone(), (header::CONTENT_ENCODING, "br")]), Choice::Never);
        assert_eq!(check(&[json.clone(), (header::CACHE_CONTROL, "max-age=1, no-transform")]), Choice::Never);
        assert_eq!(choose(&Asked::default(), &headers(&[json])), Choice::NotForThisClient);
    }

    #[test]
    fn a_whole_body_comes_back_as_it_was() {
        let body = vec![7_u8; 5000];
        let compressed = compress(&body);
        assert!(compressed.len() < 100);
        assert_eq!(unzip(&compressed), body);
    }

    #[tokio::test]
    async fn a_stream_comes_back_as_it_was_and_is_flushed_where_it_pauses() {
        let (sender, receiver) = tokio::sync::mpsc::channel::<&'static [u8]>(1);
        let chunks = stream::unfold(receiver, |mut receiver| async move {
            let chunk = receiver.recv().await?;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(chunk)), receiver))
        });
        let mut body = GzipBody::new(Body::from_stream(chunks));
        sender.send(b"first line\n").await.unwrap();
        let mut received = Vec::new();
        // The header of the format comes first; the line must follow although the stream goes on.
        let mut line: Vec<u8> = Vec::new();
        while line.is_empty() {
            received.extend(body.frame().await.unwrap().unwrap().into_data().unwrap());
            let mut buffer = [0; 64];
            let length = flate2::read::GzDecoder::new(&received[..]).read(&mut buffer).unwrap_or(0);
            line.extend(&buffer[..length]);
        }
        assert_eq!(line, b"first line\n");
        sender.send(b"second").await.unwrap();
        drop(sender);
        received.extend(body.collect().await.unwrap().to_bytes());
        assert_eq!(unzip(&received), b"first line\nsecond");
    }
}
