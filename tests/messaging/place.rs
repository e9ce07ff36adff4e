//! A broker under test, and the checks that run over it.

use std::future::Future;

use chassis::messaging::{Offers, PublishSubscribe, PushPull, engine::Engine};
use serde_json::Value;

/// A broker under test.
pub(crate) trait Place: Send + Sync + 'static {
    type Engine: Engine + Offers<PublishSubscribe> + Offers<PushPull>;

    /// What the settings of a broker are for a service in a space of its own: those in different ones never meet.
    fn settings(&self, space: &str) -> Value;

    /// The same for one kind of service: `sender`, `worker`, `subscriber`, `member` or `replyer`; for brokers where each
    /// side of a connection has settings of its own.
    fn settings_of(&self, _who: &str, space: &str) -> Value {
        self.settings(space)
    }
}

/// Runs a check many times at once, each in a space of its own.
pub(crate) async fn at_once<F: Future<Output = ()> + Send + 'static>(times: usize, check: impl Fn(usize) -> F) {
    let runs: Vec<_> = (0..times).map(|run| tokio::spawn(check(run))).collect();
    for run in runs {
        run.await.unwrap();
    }
}

/// A test for each of the named checks, and one that runs all of them twenty times at once.
#[macro_export]
macro_rules! conformance {
    ($place:expr, $checks:ident: $($check:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $check() {
                let place = std::sync::Arc::new($place.await);
                $crate::messaging::$checks::$check($crate::messaging::scene::Scene::new(&place)).await;
            }
        )*

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn all_of_them_twenty_times_at_once() {
            let place = std::sync::Arc::new($place.await);
            $crate::messaging::place::at_once(20, |_| {
                let place = std::sync::Arc::clone(&place);
                async move {
                    $($crate::messaging::$checks::$check($crate::messaging::scene::Scene::new(&place)).await;)*
                }
            })
            .await;
        }
    };
}

/// All named checks, one after the other in one test; for brokers that take long to start.
#[macro_export]
macro_rules! conformance_in_one {
    ($place:expr, $checks:ident: $($check:ident)*) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn all_of_them() {
            let place = std::sync::Arc::new($place.await);
            $(
                eprintln!("{}", stringify!($check));
                $crate::messaging::$checks::$check($crate::messaging::scene::Scene::new(&place)).await;
            )*
        }
    };
}

/// One test of all the named checks, twenty times at once, for a broker that takes a while to start. A check that fails
/// is named.
#[macro_export]
macro_rules! conformance_on_one_server {
    ($place:expr, $checks:ident: $($check:ident)*) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn all_of_them_twenty_times_at_once() {
            let Some(place) = $place.await else { return };
            let place = std::sync::Arc::new(place);
            $crate::messaging::place::at_once(20, |_| {
                let place = std::sync::Arc::clone(&place);
                async move {
                    $({
                        let _named = $crate::messaging::place::Named(stringify!($check));
                        $crate::messaging::$checks::$check($crate::messaging::scene::Scene::new(&place)).await;
                    })*
                }
            })
            .await;
        }
    };
}

/// Tells of which check a panic is.
pub(crate) struct Named(pub(crate) &'static str);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the check that failed: {}", self.0);
        }
    }
}
