//! The body of an answer on its way out.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Body;
use bytes::Bytes;
use futures_util::FutureExt;
use http::StatusCode;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;

use super::{
    content::GzipBody,
    record::{End, Record},
};
use crate::{
    process::catch,
    unit::{Lent, Outcome},
};

/// A body as the connection takes it.
pub(super) enum Outgoing {
    /// All there is of it.
    Whole(Bytes),
    /// Something that was begun on to see whether it is whole.
    Begun(Box<Begun>),
    Compressed(Box<GzipBody>),
    /// What the handler has made.
    Made(Body),
    /// One whose end has to be told of.
    Told(Box<Told>),
}

/// A body whose first frame was looked at.
pub(super) struct Begun {
    first: Option<Result<Frame<Bytes>, axum::Error>>,
    rest: Body,
}

/// A body whose request is told of with its last byte.
pub(super) struct Told {
    pub(super) inner: Outgoing,
    pub(super) record: Box<Record>,
    pub(super) status: StatusCode,
    pub(super) outcome: Outcome,
    pub(super) bytes_out: u64,
}

impl Outgoing {
    /// Takes a body as a whole where it is there already and not longer than `longest`.
    pub(super) fn new(mut body: Body, longest: u64) -> Self {
        match body.size_hint().exact() {
            Some(0) => return Self::Whole(Bytes::new()),
            Some(size) if size <= longest => {}
            _ => return Self::Made(body),
        }
        match body.frame().now_or_never() {
            None => Self::Made(body),
            Some(None) => Self::Whole(Bytes::new()),
            Some(Some(first)) => match first.map(Frame::into_data) {
                Ok(Ok(data)) if body.is_end_stream() => Self::Whole(data),
                Ok(Ok(data)) => Self::begun(Ok(Frame::data(data)), body),
                Ok(Err(frame)) => Self::begun(Ok(frame), body),
                Err(error) => Self::begun(Err(error), body),
            },
        }
    }

    fn begun(first: Result<Frame<Bytes>, axum::Error>, rest: Body) -> Self {
        Self::Begun(Box::new(Begun { first: Some(first), rest }))
    }

    /// The body as axum has them.
    pub(super) fn into_body(self) -> Body {
        match self {
            Self::Whole(bytes) => Body::from(bytes),
            Self::Made(body) => body,
            other => Body::new(other),
        }
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match &mut *self {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Begun(begun) => match begun.first.take() {
                Some(first) => Poll::Ready(Some(first)),
                None => Pin::new(&mut begun.rest).poll_frame(cx),
            },
            Self::Compressed(body) => Pin::new(&mut **body).poll_frame(cx),
            Self::Made(body) => Pin::new(body).poll_frame(cx),
            Self::Told(told) => told.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Begun(begun) => begun.first.is_none() && begun.rest.is_end_stream(),
            Self::Compressed(body) => body.is_end_stream(),
            Self::Made(body) => body.is_end_stream(),
            Self::Told(told) => told.inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            Self::Begun(begun) => begun.size_hint(),
            Self::Compressed(body) => body.size_hint(),
            Self::Made(body) => body.size_hint(),
            Self::Told(told) => told.inner.size_hint(),
        }
    }
}

impl Begun {
    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().and_then(|first| first.as_ref().ok()?.data_ref());
        let first = first.map_or(0, |data| u64::try_from(data.len()).unwrap_or(0));
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + first);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + first);
        }
        hint
    }
}

impl Told {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = {
            let _unit = Lent::to_thread(&mut self.record.ids);
            let inner = Pin::new(&mut self.inner);
            catch(|| inner.poll_frame(cx))
        };
        let polled = match polled {
            Ok(polled) => polled,
            Err(panic) => {
                // The rest is not to be had; the client sees that the answer is cut off.
                self.inner = Outgoing::Whole(Bytes::new());
                let (status, bytes_out) = (self.status, self.bytes_out);
                let backtrace = panic.backtrace();
                self.record.tell(&End { status, outcome: Outcome::Panic, bytes_out, error: Some(&panic), backtrace });
                return Poll::Ready(Some(Err(axum::Error::new(panic))));
            }
        };
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                self.bytes_out += u64::try_from(length).unwrap_or(0);
                if self.inner.is_end_stream() {
                    self.tell(self.outcome, None);
                }
            }
            Poll::Ready(Some(Err(error))) => self.tell(Outcome::Error, Some(error)),
            Poll::Ready(None) => self.tell(self.outcome, None),
            Poll::Pending => {}
        }
        polled
    }

    fn tell(&mut self, outcome: Outcome, error: Option<&dyn std::fmt::Display>) {
        let (status, bytes_out) = (self.status, self.bytes_out);
        self.record.tell(&End { status, outcome, bytes_out, error, backtrace: None });
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        // Without effect when the last byte has gone out.
        self.tell(Outcome::Cancelled, None);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use futures_util::stream;

    use super::*;

    #[tokio::test]
    async fn a_body_that_is_there_is_taken_as_a_whole_and_any_other_is_left_as_it_is() {
        assert!(matches!(Outgoing::new(Body::from("abc"), 3), Outgoing::Whole(bytes) if bytes == "abc"));
        assert!(matches!(Outgoing::new(Body::empty(), 3), Outgoing::Whole(bytes) if bytes.is_empty()));
        assert!(matches!(Outgoing::new(Body::from("abcd"), 3), Outgoing::Made(_)));
        let stream = Body::from_stream(stream::iter([Ok::<_, std::io::Error>("a")]));
        assert!(matches!(Outgoing::new(stream, 3), Outgoing::Made(_)));
    }

    #[tokio::test]
    async fn a_body_of_several_frames_loses_none_of_them() {
        /// Knows its size and has more than one frame all the same.
        struct Chunks(Vec<&'static str>);
        impl http_body::Body for Chunks {
            type Data = Bytes;
            type Error = axum::Error;

            fn poll_frame(
                mut self: Pin<&mut Self>,
                _: &mut Context<'_>,
            ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
                Poll::Ready(self.0.pop().map(|chunk| Ok(Frame::data(Bytes::from(chunk)))))
            }

            fn size_hint(&self) -> SizeHint {
                SizeHint::with_exact(self.0.iter().map(|chunk| chunk.len() as u64).sum())
            }
        }
        let body = Body::new(Chunks(vec!["c", "b", "a"]));
        let body = Outgoing::new(body, 10);
        assert!(matches!(body, Outgoing::Begun(_)));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abc");
    }
}
