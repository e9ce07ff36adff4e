//! Engines as values, to choose among them by name.

use std::{any::Any, marker::PhantomData};

use super::erased::{DynEngine, Erased};
use crate::{messaging::engine::Engine, settings::Form};

/// A kind of engine.
pub(crate) trait Kind {
    /// What settings call it.
    fn name(&self) -> &'static str;

    /// Makes an engine of it.
    fn engine(&self) -> Box<dyn DynEngine>;

    /// Reads its settings; without a section they are the defaults.
    fn read(&self, form: &mut Form<'_>) -> Option<Box<dyn Any + Send + Sync>>;

    /// Looks at its settings, if there are any.
    fn look(&self, form: &mut Form<'_>);
}

/// The kind of an engine's type.
pub(crate) fn kind<E: Engine>() -> Box<dyn Kind> {
    Box::new(Of::<E>(PhantomData))
}

struct Of<E>(PhantomData<fn() -> E>);

impl<E: Engine> Kind for Of<E> {
    fn name(&self) -> &'static str {
        E::NAME
    }

    fn engine(&self) -> Box<dyn DynEngine> {
        Box::new(Erased(E::default()))
    }

    fn read(&self, form: &mut Form<'_>) -> Option<Box<dyn Any + Send + Sync>> {
        Some(Box::new(form.field::<E::Settings>(E::NAME).read()?))
    }

    fn look(&self, form: &mut Form<'_>) {
        let about = <E::Settings as crate::settings::SettingsSchema>::ABOUT;
        form.field::<Option<E::Settings>>(E::NAME).about(about).read();
    }
}

/// Engines of one's own, as a tuple of up to four: `Any<(MyEngine,)>`.
pub trait Engines: 'static {
    #[doc(hidden)]
    #[expect(private_interfaces, reason = "only tuples implement it, here")]
    fn kinds() -> Vec<Box<dyn Kind>>;
}

macro_rules! tuples {
    ($(($($engine:ident)*))*) => {$(
        impl<$($engine: Engine),*> Engines for ($($engine,)*) {
            #[expect(private_interfaces, reason = "only tuples implement it, here")]
            fn kinds() -> Vec<Box<dyn Kind>> {
                vec![$(kind::<$engine>()),*]
            }
        }
    )*};
}

tuples! { () (A) (A B) (A B C) (A B C D) }
