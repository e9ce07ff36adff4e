//! The life of the registry: registered from `open` to `close`.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};
use tokio::{sync::oneshot, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{
    RegistrySettings,
    address::Told,
    registration::{Plan, Registration, Standing},
};
use crate::{Context, Error, Health, Resource, Result, Slot, json::object};

/// How long a stop may wait until the registration is taken back; where etcd is away it expires by itself.
const FAREWELL: Duration = Duration::from_secs(1);

/// What tells other services where this one is. Every service has one; see [`RegistrySettings`].
#[derive(Debug, Default)]
pub struct Registry {
    plan: Slot<Plan>,
    running: Slot<Running>,
}

/// What runs between `open` and `close`.
struct Running {
    standing: Arc<Standing>,
    stop: CancellationToken,
    /// Completes once the registration is taken back.
    done: tokio::sync::Mutex<oneshot::Receiver<()>>,
}

impl Resource for Registry {
    type Settings = RegistrySettings;

    fn check(&self, settings: &RegistrySettings) -> Result<()> {
        settings.address.as_deref().map(Told::parse).transpose().map(|_| ())
    }

    async fn start(&self, cx: &Context, settings: RegistrySettings) -> Result<()> {
        if !settings.enabled {
            return Ok(());
        }
        let Some(etcd) = cx.etcd() else {
            let what = "the service is to be registered in etcd, and nothing says where that is";
            let error = Error::misconfigured(Error::msg(what));
            return Err(error.context("set `CHASSIS_ETCD_ENDPOINTS`, or `system.resources.registry.enabled: false`"));
        };
        self.plan.set(Plan::new(cx.service(), Arc::new(etcd), settings)?);
        Ok(())
    }

    async fn open(&self, cx: &Context) -> Result<()> {
        let Some(plan) = self.plan.get() else { return Ok(()) };
        let (standing, stop) = (Arc::<Standing>::default(), CancellationToken::new());
        let (ended, done) = oneshot::channel::<()>();
        let registration = Registration::new(plan, Arc::clone(&standing));
        let (service_stops, closed) = (cx.shutdown(), stop.clone());
        cx.spawn("registration", async move {
            let until = async {
                tokio::select! {
                    () = service_stops.wait() => {}
                    () = closed.cancelled() => {}
                }
            };
            registration.run(until).await;
            // Nobody may be waiting.
            let _ = ended.send(());
        });
        self.running.set(Running { standing, stop, done: tokio::sync::Mutex::new(done) });
        Ok(())
    }

    async fn close(&self, _cx: &Context) -> Result<()> {
        if let Some(running) = self.running.take() {
            running.stop.cancel();
            // It is also done when its work was cut off.
            let _ = timeout(FAREWELL, &mut *running.done.lock().await).await;
        }
        Ok(())
    }

    async fn stop(&self, _cx: &Context) -> Result<()> {
        self.plan.take();
        Ok(())
    }

    async fn health(&self) -> Health {
        self.running.get().map_or_else(Health::pass, |running| running.standing.health())
    }

    fn info(&self) -> Map<String, Value> {
        let key = self.running.get().and_then(|running| running.standing.key());
        object(key.map(|key| ("key", Value::from(key))))
    }
}
