//! The server as a part of a service.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};
use tokio::time::{Instant, sleep_until};

use super::{
    HttpServer, HttpServerSettings,
    cors::Cors,
    foundation::Foundation,
    openapi::Info,
    server::Running,
    shed::{LagRule, MEASUREMENTS, WINDOW},
    site::{LiveSite, Site},
    table,
};
use crate::{
    Claim, Context, Error, Health, Resource, Result,
    http::{Figures, Listener, Spawner, TlsSettings, pre_stop_delay},
};

impl Resource for HttpServer {
    type Settings = HttpServerSettings;

    fn check(&self, settings: &HttpServerSettings) -> Result<()> {
        table::check(&self.declared().routes, settings.trailing_slash)?;
        Cors::from_settings(&settings.cors)?;
        settings.tls.as_ref().map_or(Ok(()), TlsSettings::check)?;
        self.merged_router().map(drop)
    }

    fn claims(&self, settings: &HttpServerSettings) -> Vec<Claim> {
        vec![Claim::tcp(settings.address(), "port")]
    }

    async fn start(&self, cx: &Context, settings: HttpServerSettings) -> Result<()> {
        let path = path(cx);
        let figures = Figures::new(cx.metrics(), cx.name())?;
        let mut listener = Listener::bind(settings.address(), &settings.connections, &path)?.counted(figures);
        if let Some(tls) = &settings.tls {
            listener = listener.secure(tls, &format!("{path}.tls"))?;
        }
        let scheme = scheme(&settings);
        let connections = settings.connections.clone();
        let service = cx.service();
        let info = Info { title: service.name(), version: service.version(), about: service.about() };
        let foundation = Foundation::new(self, cx.name(), cx.scope(), info)?;
        let site = foundation.site(settings)?;
        let context = cx.clone();
        let spawner = Spawner::new(move |work| context.spawn_detached(work));
        let server = listener.serve(&connections, site.clone(), spawner);
        tracing::info!("`{}` listens on {scheme}://{}", cx.name(), server.address());
        cx.spawn("load", watch_load(site.clone()));
        self.running.set(Running { server, foundation, site });
        Ok(())
    }

    async fn open(&self, _: &Context) -> Result<()> {
        if let Some(running) = self.running.get() {
            running.server.open();
        }
        Ok(())
    }

    async fn close(&self, cx: &Context) -> Result<()> {
        let Some(running) = self.running.get() else { return Ok(()) };
        if cx.shutdown().is_triggered() {
            tokio::time::sleep(pre_stop_delay(running.site.now().settings.pre_stop_delay)).await;
        }
        running.server.close().await;
        Ok(())
    }

    async fn drain(&self, _: &Context) -> Result<()> {
        if let Some(running) = self.running.get() {
            running.server.drain().await;
        }
        Ok(())
    }

    async fn stop(&self, _: &Context) -> Result<()> {
        let Some(running) = self.running.take() else { return Ok(()) };
        self.declared().life += 1;
        running.foundation.meters.set_in_flight(0);
        let cut = running.server.stop().await;
        match cut.exchanges {
            0 => Ok(()),
            requests => Err(Error::msg(format!("{requests} requests were cut off"))),
        }
    }

    async fn health(&self) -> Health {
        match self.running.get() {
            Some(running) if running.foundation.load.share() > 0 => {
                Health::warn(format!("{} % of the requests are turned away: too busy", running.foundation.load.share()))
            }
            Some(running) => running.server.health(),
            None => Health::pass(),
        }
    }

    /// Tries the address, if that is another; what `check` looks at has been looked at.
    async fn prepare(&self, cx: &Context, candidate: &HttpServerSettings) -> Result<()> {
        match self.running.get() {
            Some(running) if running.moves(candidate) => {
                running.server.can_move_to(candidate.address(), &path(cx)).await
            }
            _ => Ok(()),
        }
    }

    async fn apply(&self, cx: &Context, settings: HttpServerSettings) -> Result<()> {
        match self.running.get() {
            Some(running) => running.change(cx, settings).await,
            None => Ok(()),
        }
    }

    fn info(&self) -> Map<String, Value> {
        let mut info = Map::new();
        if let Some(running) = self.running.get() {
            info.insert("address".into(), running.server.address().to_string().into());
            info.insert("requests_in_flight".into(), running.foundation.load.in_flight().into());
            info.insert("connections".into(), running.server.statistics().open.into());
        }
        info.insert("routes".into(), self.declared().routes.len().into());
        info
    }
}

impl Running {
    /// Whether it would listen elsewhere.
    fn moves(&self, to: &HttpServerSettings) -> bool {
        let address = to.address();
        address != self.site.now().settings.address() && address != self.server.address()
    }

    /// Goes on with other settings: first what may fail, then all of them.
    async fn change(&self, cx: &Context, settings: HttpServerSettings) -> Result<()> {
        let path = path(cx);
        let before = self.site.now().settings.clone();
        let site = Site::new(&self.foundation, settings.clone())?;
        let mut change = self.server.changes(&settings.connections, &path);
        change = change.secure(before.tls.as_ref(), settings.tls.as_ref()).await?;
        let left = self.moves(&settings).then(|| self.server.address());
        if left.is_some() {
            change = change.move_to(settings.address()).await?;
        }
        self.site.change(site);
        change.apply();
        let (scheme, address) = (scheme(&settings), self.server.address());
        match left {
            Some(left) => tracing::info!("`{}` listens on {scheme}://{address} now, and leaves {left}", cx.name()),
            None if scheme != self::scheme(&before) => {
                tracing::info!("`{}` listens on {scheme}://{address} now", cx.name());
            }
            None => {}
        }
        Ok(())
    }
}

/// Where its settings are.
fn path(cx: &Context) -> String {
    format!("system.resources.{}", cx.name())
}

fn scheme(settings: &HttpServerSettings) -> &'static str {
    if settings.tls.is_some() { "https" } else { "http" }
}

/// Measures how late work gets a thread, for as long as the server runs.
pub(super) async fn watch_load(site: LiveSite) {
    let mut rule = LagRule::new(Duration::ZERO);
    let pause = WINDOW / MEASUREMENTS;
    let (load, meters) = {
        let site = site.now();
        (Arc::clone(&site.load), Arc::clone(&site.meters))
    };
    loop {
        // With nothing to do there is nothing to measure, and a machine may sleep.
        let is_idle = load.in_flight() == 0 && load.share() == 0;
        let due = Instant::now() + if is_idle { WINDOW } else { pause };
        sleep_until(due).await;
        let max_lag = site.now().settings.load_shedding.max_lag;
        load.set_share(if max_lag.is_zero() {
            rule = LagRule::new(max_lag);
            0
        } else {
            rule.set_max_lag(max_lag);
            rule.measured(due.elapsed())
        });
        meters.set_in_flight(load.in_flight());
    }
}
