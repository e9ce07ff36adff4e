//! How the captures that the table has found reach the extractor.
//!
//! An extractor is given the head of a request and nothing else, and a place in the head is an allocation or two. So
//! the captures lie in a thread-local while the extractor is polled: it is ready at its first poll.

use std::{borrow::Cow, cell::Cell, future::Future, sync::Arc};

use futures_util::FutureExt;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use super::{
    Refusal,
    captured::{Captured, MOST, Names},
    deserializer::{Capture, Captures},
};

/// The captures of one request, for the next [`Path`] that asks.
pub(in super::super) struct Offer {
    names: Names,
    captured: Captured,
}

thread_local! {
    /// Filled for the time of one poll.
    static OFFER: Cell<Option<Offer>> = const { Cell::new(None) };
}

impl Offer {
    /// The offer to a `T` that is a [`Path`]; any other extractor knows nothing of offers.
    ///
    /// It goes by the name of the type, as there is nothing else to ask of any type. If the name were wrong, the
    /// extractor would find its captures where axum's do, only slower.
    pub(in super::super) fn to<T>(names: &Names, captured: Option<Captured>) -> Option<Self> {
        let is_path = std::any::type_name::<T>().starts_with(super::TYPE_NAME);
        let captured = captured.filter(|captured| is_path && captured.count() == names.len())?;
        Some(Self { names: Arc::clone(names), captured })
    }

    /// Polls the extractor that this is for; `None` if it is not ready at once.
    pub(in super::super) fn during<F: Future>(self, extracting: F) -> Option<F::Output> {
        OFFER.with(|place| {
            place.set(Some(self));
            let extracted = extracting.now_or_never();
            place.set(None);
            extracted
        })
    }

    /// What is offered at the moment.
    pub(super) fn take() -> Option<Self> {
        OFFER.take()
    }

    /// Reads the captures out of the path that they were found in.
    pub(super) fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, Refusal> {
        let mut captures = [const { Capture { name: "", value: Cow::Borrowed("") } }; MOST];
        for ((name, text), capture) in self.names.iter().zip(self.captured.values(path)).zip(&mut captures) {
            let value = match text.contains('%') {
                true => percent_decode_str(text).decode_utf8().map_err(|_| Refusal::not_utf8(name))?,
                // Nearly always: as it came.
                false => Cow::Borrowed(text),
            };
            *capture = Capture { name, value };
        }
        T::deserialize(Captures(&captures[..self.captured.count()]))
    }
}
