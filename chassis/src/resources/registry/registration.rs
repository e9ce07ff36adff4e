//! The background work of the registry: registers, keeps the lease, registers again, takes it back.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use etcd_client::{Client, PutOptions};
use tokio::time::{sleep, timeout};

use super::{
    RegistrySettings,
    address::{Address, Told, reachable},
    entry::{Entry, key},
    guard::guard,
};
use crate::{
    Health, Result,
    etcd::{Endpoints, Failure, GREETING, Lease, Options, within},
    lifecycle::EventKind,
    logging::timestamp,
    resource::State,
    service::{Progress, Service},
    supervision::Backoff,
};

/// How long taking it back may take; it expires by itself otherwise.
const FAREWELL: Duration = Duration::from_millis(800);

/// How long it waits at most before it tries again to reach an etcd that is away.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is to be registered, and where.
pub(super) struct Plan {
    service: Service,
    etcd: Arc<Options>,
    settings: RegistrySettings,
    /// What the settings say of the address.
    told: Option<Told>,
    key: String,
    started: String,
}

impl Plan {
    /// # Errors
    /// When the address in the settings is none.
    pub(super) fn new(service: Service, etcd: Arc<Options>, settings: RegistrySettings) -> Result<Self> {
        let told = settings.address.as_deref().map(Told::parse).transpose()?;
        let key = key(&settings.path, service.name(), service.instance());
        let started = timestamp(service.started());
        Ok(Self { service, etcd, settings, told, key, started })
    }

    /// Where the service is reached at the moment.
    async fn address(&self) -> Option<Address> {
        let server = crate::resources::address(&self.service);
        if let Some(told) = &self.told {
            return told.clone().with(server);
        }
        // What leads to etcd leads to the other services.
        let peer = self.etcd.endpoints.first().and_then(|endpoint| endpoint.split_once("://"));
        Some(reachable(server?, peer.map_or("", |(_, authority)| authority)).await)
    }

    pub(super) fn etcd(&self) -> &Arc<Options> {
        &self.etcd
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// What is to be written there at the moment.
    pub(super) async fn value(&self) -> Result<String, Failure> {
        let Some(address) = self.address().await else {
            let what = "the service has no server to be reached at";
            return Err(Failure::misconfigured(what).help("set `system.resources.registry.address`"));
        };
        Ok(Entry::new(&address, self.service.version(), &self.started, &self.settings.metadata).json())
    }
}

/// How the registration is.
#[derive(Debug, Default)]
pub(super) struct Standing {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// The key, while it is there.
    key: Option<String>,
    /// Why it is not.
    lost: Option<String>,
}

impl Standing {
    /// Warns while the service should be registered and is not.
    pub(super) fn health(&self) -> Health {
        self.known().lost.as_ref().map_or_else(Health::pass, Health::warn)
    }

    pub(super) fn key(&self) -> Option<String> {
        self.known().key.clone()
    }

    /// The health tells that it comes back, so only the first time is news.
    fn registered(&self, key: &str) {
        let was_lost = {
            let mut known = self.known();
            known.key = Some(key.to_owned());
            known.lost.take().is_some()
        };
        if was_lost {
            tracing::debug!("registered in etcd again: {key}");
        } else {
            tracing::info!("registered in etcd: {key}");
        }
    }

    /// The health tells it, once.
    fn lost(&self, why: &str) {
        tracing::debug!("not registered in etcd: {why}");
        let mut known = self.known();
        known.key = None;
        known.lost = Some(format!("not registered in etcd, others do not find this instance: {why}"));
    }

    fn ended(&self) {
        *self.known() = Known::default();
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the service registered.
pub(super) struct Registration {
    plan: Arc<Plan>,
    standing: Arc<Standing>,
    endpoints: Endpoints,
    /// What has to be taken back.
    held: Option<Lease>,
}

impl Registration {
    pub(super) fn new(plan: Arc<Plan>, standing: Arc<Standing>) -> Self {
        let endpoints = Endpoints::new(Arc::clone(&plan.etcd));
        Self { plan, standing, endpoints, held: None }
    }

    /// Keeps the service registered until it is told to end, then takes the registration back.
    pub(super) async fn run(mut self, until: impl Future<Output = ()>) {
        tokio::select! {
            biased;
            () = until => {}
            () = self.stay() => {}
        }
        if let Some(lease) = self.held.take() {
            match timeout(FAREWELL, lease.revoke()).await {
                Ok(Ok(())) => tracing::debug!("not registered in etcd any more: {}", self.plan.key),
                Ok(Err(failure)) => tracing::debug!("the registration expires by itself: {}", failure.what),
                Err(_) => tracing::debug!("the registration expires by itself: etcd does not answer"),
            }
        }
        self.standing.ended();
    }

    /// Registers as soon as the service takes work, and again whenever that is lost.
    async fn stay(&mut self) {
        wait_until_ready(&self.plan.service).await;
        let mut backoff = Backoff::new(Duration::from_millis(100), PATIENCE);
        loop {
            match Box::pin(self.register()).await {
                Ok((client, lease)) => {
                    backoff.healthy();
                    self.standing.registered(&self.plan.key);
                    let why = Box::pin(self.keep(client, &lease)).await;
                    self.standing.lost(&why);
                }
                Err(failure) => {
                    self.standing.lost(&failure.what);
                    sleep(backoff.failed_with_jitter(fastrand::f64())).await;
                }
            }
        }
    }

    async fn register(&mut self) -> Result<(Client, Lease), Failure> {
        let client = self.endpoints.connect().await?;
        let value = self.plan.value().await?;
        let lease = Lease::grant(&client, self.plan.settings.ttl).await?;
        // From here on there may be a key, whatever becomes of the answer.
        self.held = Some(lease.clone());
        put(&client, &self.plan.key, value, &lease).await?;
        Ok((client, lease))
    }

    /// Keeps what is registered, and corrects it when a server has moved; gives back why it is lost.
    async fn keep(&mut self, client: Client, lease: &Lease) -> String {
        let Self { plan, endpoints, .. } = self;
        tokio::select! {
            () = lease.keep(endpoints) => "etcd did not renew the lease in time".to_owned(),
            failure = Box::pin(follow_address(plan, &client, lease)) => failure.what,
            never = guard(plan, lease) => match never {},
        }
    }
}

/// Writes the key again whenever a restart or a changed setting has brought a server to another address.
async fn follow_address(plan: &Plan, client: &Client, lease: &Lease) -> Failure {
    let mut events = plan.service.event_stream().from_now();
    let mut written = match plan.value().await {
        Ok(value) => value,
        Err(failure) => return failure,
    };
    loop {
        let moves = |kind: &EventKind| {
            matches!(kind, EventKind::State { to: State::Started, .. } | EventKind::SettingsChanged { .. })
        };
        if events.find(|kind| moves(kind).then_some(())).await.is_none() {
            return std::future::pending().await;
        }
        let Ok(value) = plan.value().await else { continue };
        if value != written {
            if let Err(failure) = put(client, &plan.key, value.clone(), lease).await {
                return failure;
            }
            written = value;
        }
    }
}

pub(super) async fn put(client: &Client, key: &str, value: String, lease: &Lease) -> Result<(), Failure> {
    let options = PutOptions::new().with_lease(lease.id());
    within(GREETING, client.kv_client().put(key, value, Some(options))).await??;
    Ok(())
}

/// Completes once the service takes work.
async fn wait_until_ready(service: &Service) {
    let mut events = service.event_stream().from_now();
    if service.progress() == Progress::Starting {
        events.find(|kind| matches!(kind, EventKind::Running { .. }).then_some(())).await;
    }
}
