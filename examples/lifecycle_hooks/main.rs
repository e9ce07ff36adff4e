//! Hooks around the phases of a life: of the whole service, and of one resource.
//!
//! `cargo run --example lifecycle_hooks` says what happens when; stop it with Ctrl-C.

use chassis::prelude::*;
use tokio::sync::RwLock;

/// Prices in memory, made ready in stages.
#[microservice(name = "prices")]
struct Prices {
    /// Where the prices come from.
    #[resource]
    catalogue: Catalogue,
    /// What is looked up often.
    #[resource(after = [catalogue])]
    cache: Cache,
}

/// A resource whose own hooks say when they run.
#[derive(Default)]
struct Catalogue;

impl Resource for Catalogue {
    type Settings = ();

    async fn start(&self, _cx: &Context, (): ()) -> Result<()> {
        tracing::info!("catalogue: connected");
        Ok(())
    }

    async fn stop(&self, _cx: &Context) -> Result<()> {
        tracing::info!("catalogue: disconnected");
        Ok(())
    }
}

/// A resource that is filled by the service, before anybody may ask it.
#[derive(Default)]
struct Cache {
    prices: RwLock<Vec<u32>>,
}

impl Resource for Cache {
    type Settings = ();

    async fn open(&self, _cx: &Context) -> Result<()> {
        tracing::info!("cache: open with {} prices", self.prices.read().await.len());
        Ok(())
    }

    async fn drain(&self, _cx: &Context) -> Result<()> {
        tracing::info!("cache: nobody reads any more");
        Ok(())
    }
}

#[microservice]
impl Prices {
    /// Before any resource is started.
    #[before(start)]
    async fn greet(&self, cx: Context) {
        tracing::info!("{} begins to start", cx.service_name());
    }

    /// As soon as the catalogue is started; the cache, which depends on it, is not started earlier.
    #[after(start, catalogue)]
    async fn migrate(&self) -> Result<()> {
        tracing::info!("the catalogue is brought up to date");
        Ok(())
    }

    /// Once every resource is started, and before anything is taken in.
    #[after(post_start)]
    async fn warm_up(&self) {
        self.cache.prices.write().await.extend([100, 250, 999]);
    }

    /// The service works.
    #[after(open)]
    async fn ready(&self) {
        tracing::info!("ready");
    }

    /// Everything in flight has ended, and the resources still work.
    #[before(stop)]
    async fn say_goodbye(&self) {
        tracing::info!("goodbye");
    }
}

fn main() -> std::process::ExitCode {
    Prices::run()
}
