//! What all types of meters have in common: a series by itself, or one per set of labels.

/// Defines the meter whose series are of the type `$handle`.
macro_rules! labelled {
    ($(#[$attribute:meta])* $meter:ident of $handle:ident) => {
        $(#[$attribute])*
        ///
        /// Without labels it is used by itself, with labels through its series, see `with`. A
        /// [`Default`] one works and is exported by nobody, so that a service can be put together in a test.
        pub struct $meter<L = ()> {
            only: $handle,
            family: std::sync::Arc<$crate::metrics::series::Family<$handle>>,
            // Covariant, so that labels may be borrowed although the meter says `'static`.
            labels: std::marker::PhantomData<fn() -> L>,
        }

        impl<L: $crate::metrics::Labels> $meter<L> {
            /// The series for these label values.
            #[inline]
            pub fn with(&self, labels: &L) -> &$handle {
                self.family.with(labels)
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
                &self.only
            }
        }

        impl<L> From<std::sync::Arc<$crate::metrics::series::Family<$handle>>> for $meter<L> {
            fn from(family: std::sync::Arc<$crate::metrics::series::Family<$handle>>) -> Self {
                Self { only: family.only().clone(), family, labels: std::marker::PhantomData }
            }
        }

        impl<L: $crate::metrics::Labels> $crate::metrics::Meter for $meter<L> {
            fn register(
                metrics: &$crate::metrics::Metrics,
                options: $crate::metrics::MeterOptions,
            ) -> $crate::Result<Self> {
                $crate::metrics::options::RegisterIn::register_in(metrics.registry(), options)
            }
        }

        impl<L: $crate::metrics::Labels> $crate::metrics::options::RegisterIn for $meter<L> {
            fn register_in(
                registry: &$crate::metrics::registry::Registry,
                options: $crate::metrics::MeterOptions,
            ) -> $crate::Result<Self> {
                registry.family(options, L::NAMES).map(Self::from)
            }
        }

        impl<L: $crate::metrics::Labels> Default for $meter<L> {
            fn default() -> Self {
                std::sync::Arc::new($crate::metrics::series::Family::detached(L::NAMES)).into()
            }
        }

        impl<L> Clone for $meter<L> {
            fn clone(&self) -> Self {
                std::sync::Arc::clone(&self.family).into()
            }
        }

        impl<L> std::fmt::Debug for $meter<L> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($meter)).field(&self.family.description.name).finish()
            }
        }
    };
}
pub(super) use labelled;
