//! How a broker starts, takes in, and stops.

use std::sync::Arc;

use serde_json::{Map, Value};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    broker::{Broker, Running},
    engine::{Connection, Engine, Intake},
    meters::Meters,
    pattern::Pattern,
    rules::Rules,
    settings::{BrokerSettings, DeliverySettings},
    worker::Worker,
};
use crate::{Context, Error, Health, Resource, Result, codec::Format};

impl<E: Engine> Resource for Broker<E> {
    type Settings = BrokerSettings<E::Settings>;

    fn check(&self, settings: &Self::Settings) -> Result<()> {
        self.check_handlers(&settings.delivery)?;
        self.engine.check(&settings.engine, &self.intakes(&settings.delivery))
    }

    async fn start(&self, cx: &Context, settings: Self::Settings) -> Result<()> {
        let BrokerSettings { engine, delivery } = settings;
        let connection = Arc::new(self.engine.connect(cx, engine).await?);
        let meters = Meters::new(cx.metrics(), cx.name())?;
        let (closing, workers) = (CancellationToken::new(), TaskTracker::new());
        let codec = codec_of(&*connection, &delivery)?;
        let settings = Arc::new(DeliverySettings { codec: Some(codec), ..delivery });
        self.running.set(Running { connection, settings, meters, cx: cx.clone(), closing, workers });
        Ok(())
    }

    async fn open(&self, cx: &Context) -> Result<()> {
        let running = self.running()?;
        let handlers = self.handlers().clone();
        for handler in handlers {
            let (pattern, options) = (handler.pattern, &handler.options);
            let rules = Rules::new(pattern, options, &running.settings);
            let intake = options.intake(pattern, rules.prefetch);
            let consumer = running.connection.consume(&intake).await;
            let consumer = consumer.map_err(|error| error.context(format!("handler `{}`", options.handler)))?;
            let burial = running.burial(pattern, options.name, options.handler, rules.max_delay);
            let worker = Arc::new(Worker {
                burial,
                rules,
                settings: Arc::clone(&running.settings),
                cx: cx.for_method(options.handler),
                closing: running.closing.clone(),
                handler: Arc::clone(&handler),
            });
            for task in worker.tasks(consumer) {
                cx.spawn(options.handler, running.workers.track_future(task));
            }
        }
        Ok(())
    }

    async fn close(&self, _: &Context) -> Result<()> {
        let Some(running) = self.running.get() else { return Ok(()) };
        running.closing.cancel();
        running.workers.close();
        running.connection.close().await
    }

    async fn drain(&self, _: &Context) -> Result<()> {
        if let Some(running) = self.running.get() {
            running.workers.wait().await;
        }
        Ok(())
    }

    async fn stop(&self, _: &Context) -> Result<()> {
        match self.running.take() {
            Some(running) => running.connection.stop().await,
            None => Ok(()),
        }
    }

    async fn health(&self) -> Health {
        self.running.get().map_or_else(Health::pass, |running| running.connection.health())
    }

    fn info(&self) -> Map<String, Value> {
        let mut info = self.running.get().map(|running| running.connection.info()).unwrap_or_default();
        info.insert("engine".to_owned(), E::NAME.into());
        info.insert("handlers".to_owned(), self.handlers().len().into());
        info
    }
}

/// What bodies are written in: what the wire carries, or what the settings say.
fn codec_of(connection: &impl Connection, settings: &DeliverySettings) -> Result<Format> {
    match (connection.format(), settings.codec) {
        (Some(only), Some(chosen)) if only != chosen => {
            let wrong = format!("`codec: {chosen}`: this wire carries {only} only; leave `codec` out");
            Err(Error::misconfigured(Error::msg(wrong)))
        }
        (only, _) => Ok(only.unwrap_or_else(|| settings.format())),
    }
}

impl<E: Engine> Broker<E> {
    /// What the handlers take in.
    fn intakes(&self, settings: &DeliverySettings) -> Vec<Intake> {
        let intake = |handler: &Arc<super::worker::Handler>| {
            let rules = Rules::new(handler.pattern, &handler.options, settings);
            handler.options.intake(handler.pattern, rules.prefetch)
        };
        self.handlers().iter().map(intake).collect()
    }

    /// Whether the handlers fit together, and the settings fit them.
    fn check_handlers(&self, settings: &DeliverySettings) -> Result<()> {
        let handlers = self.handlers();
        let mut wrong = Vec::new();
        for (at, handler) in handlers.iter().enumerate() {
            let (pattern, options) = (handler.pattern, &handler.options);
            // Subscribers without a group get every message, each of them.
            let shares = pattern != Pattern::PublishSubscribe || options.group.is_some();
            let same = |other: &&Arc<super::worker::Handler>| {
                let (name, group) = (other.options.name, other.options.group);
                shares && other.pattern == pattern && name == options.name && group == options.group
            };
            if let Some(other) = handlers[..at].iter().find(same) {
                wrong.push(format!(
                    "`{}` and `{}` both take {pattern} `{}`: a message would reach one of them by chance",
                    other.options.handler, options.handler, options.name
                ));
            }
            if options.name.is_empty() {
                wrong.push(format!("`{}` names nothing to take from", options.handler));
            }
        }
        for name in settings.handlers.keys() {
            if !handlers.iter().any(|handler| handler.options.handler == name) {
                let mut known: Vec<_> =
                    handlers.iter().map(|handler| format!("`{}`", handler.options.handler)).collect();
                known.sort();
                wrong.push(match known.is_empty() {
                    true => format!("`handlers.{name}`: this broker has no handlers"),
                    false => format!("`handlers.{name}`: no handler has this name; there are {}", known.join(", ")),
                });
            }
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(Error::misconfigured(Error::msg(wrong.join("; ")))),
        }
    }
}
