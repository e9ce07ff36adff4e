//! The life of discovery: services are followed from `start` to `stop`.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::{Map, Value};

use super::{Discovery, DiscoverySettings, client::Shared, follower::Follower};
use crate::{Context, Error, Health, Resource, Result, etcd::Options, json::object};

impl Resource for Discovery {
    type Settings = DiscoverySettings;

    async fn start(&self, cx: &Context, settings: DiscoverySettings) -> Result<()> {
        let Some(etcd) = cx.etcd() else {
            let error = Error::msg("services are looked for in etcd, and nothing says where that is");
            return Err(Error::misconfigured(error).context("set `CHASSIS_ETCD_ENDPOINTS`"));
        };
        cx.spawn("discovery", follow(Arc::clone(&self.shared), Arc::new(etcd), settings.path));
        Ok(())
    }

    async fn stop(&self, _cx: &Context) -> Result<()> {
        self.shared.ended();
        Ok(())
    }

    async fn health(&self) -> Health {
        self.shared.health()
    }

    fn info(&self) -> Map<String, Value> {
        let services: Vec<String> = self.shared.services().keys().cloned().collect();
        let known = services.into_iter().map(|name| {
            let handle = self.service(&name);
            let authorities: Vec<String> = handle.instances().iter().map(|instance| instance.authority()).collect();
            (name, Value::from(authorities))
        });
        object(known)
    }
}

/// Follows every service that is asked for.
async fn follow(shared: Arc<Shared>, etcd: Arc<Options>, path: String) {
    let mut followed = BTreeSet::new();
    let mut work = FuturesUnordered::new();
    loop {
        for (name, watched) in shared.services().iter() {
            if followed.insert(name.clone()) {
                work.push(Follower::new(Arc::clone(&shared), Arc::clone(watched), Arc::clone(&etcd), &path).run());
            }
        }
        tokio::select! {
            () = shared.asked.notified() => {}
            // They never end by themselves.
            Some(()) = work.next(), if !work.is_empty() => {}
        }
    }
}
