//! What all types of meters have in common: a series by itself, or one per set of labels.

use std::{marker::PhantomData, sync::Arc};

use super::super::series::{Family, Series};

/// What a meter is inside.
pub(super) struct Labelled<S, L> {
    pub(super) only: S,
    pub(super) family: Arc<Family<S>>,
    // Covariant, so that labels may be borrowed although the meter says `'static`.
    labels: PhantomData<fn() -> L>,
}

impl<S: Series, L> Labelled<S, L> {
    pub(super) fn new(family: Arc<Family<S>>) -> Self {
        Self { only: family.only().clone(), family, labels: PhantomData }
    }
}

/// Gives `$meter` what all meters have; its series are of the type `$handle`.
macro_rules! labelled {
    ($meter:ident of $handle:ident) => {
        impl<L: $crate::metrics::Labels> $meter<L> {
            /// The series for these label values.
            #[inline]
            pub fn with(&self, labels: &L) -> &$handle {
                self.0.family.with(labels)
            }

            /// The series for these label values, to be kept.
            pub fn handle(&self, labels: &L) -> $handle {
                self.with(labels).clone()
            }
        }

        impl std::ops::Deref for $meter<()> {
            type Target = $handle;

            #[inline]
            fn deref(&self) -> &$handle {
                &self.0.only
            }
        }

        impl<L: $crate::metrics::Labels> $crate::metrics::options::RegisterIn for $meter<L> {
            fn register_in(
                registry: &$crate::metrics::registry::Registry,
                options: $crate::metrics::MeterOptions,
            ) -> $crate::Result<Self> {
                registry.family(options, L::NAMES).map(|family| Self(Labelled::new(family)))
            }
        }

        impl<L: $crate::metrics::Labels> Default for $meter<L> {
            fn default() -> Self {
                Self(Labelled::new(std::sync::Arc::new($crate::metrics::series::Family::detached(L::NAMES))))
            }
        }

        impl<L> Clone for $meter<L> {
            fn clone(&self) -> Self {
                Self(Labelled::new(std::sync::Arc::clone(&self.0.family)))
            }
        }

        impl<L> std::fmt::Debug for $meter<L> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($meter)).field(&self.0.family.description.name).finish()
            }
        }
    };
}
pub(super) use labelled;
