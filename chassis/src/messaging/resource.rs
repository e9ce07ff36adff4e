//! How a broker starts, takes in, and stops.

use std::sync::{Arc, Mutex};

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
use crate::{
    Context, Health, Resource, Result,
    settings::{Problem, Problems, suggestion::nearest},
};

impl<E: Engine> Resource for Broker<E> {
    type Settings = BrokerSettings<E::Settings>;

    fn check(&self, settings: &Self::Settings) -> Result<()> {
        let BrokerSettings { engine, delivery } = settings;
        let mut problems = Problems::new();
        self.check_handlers(delivery, &mut problems);
        if let (Some(only), Some(chosen)) = (self.engine.format(engine), delivery.codec)
            && only != chosen
        {
            let wrong = format!("this wire carries {only} only, not {chosen}");
            problems.push(Problem::of_key("codec", wrong).help("leave `codec` out"));
        }
        if let Err(error) = self.engine.check(engine, &self.intakes(delivery)) {
            problems.append(Problems::of_error(&error));
        }
        problems.into_result()
    }

    async fn start(&self, cx: &Context, settings: Self::Settings) -> Result<()> {
        let BrokerSettings { engine, delivery } = settings;
        let codec = self.engine.format(&engine).unwrap_or_else(|| delivery.format());
        let place: Box<str> = self.engine.place(&engine).into();
        let connection = Arc::new(self.engine.connect(cx, engine).await?);
        tracing::info!("the messages of `{}` go by {place}", cx.name());
        let meters = Meters::new(cx.metrics(), cx.name())?;
        let (closing, workers) = (CancellationToken::new(), Mutex::default());
        let settings = Arc::new(DeliverySettings { codec: Some(codec), ..delivery });
        self.running.set(Running { connection, place, settings, meters, cx: cx.clone(), closing, workers });
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
            let workers = TaskTracker::new();
            for task in worker.tasks(consumer) {
                cx.spawn(options.handler, workers.track_future(task));
            }
            running.workers().push((options.handler, workers));
        }
        Ok(())
    }

    async fn close(&self, _: &Context) -> Result<()> {
        let Some(running) = self.running.get() else { return Ok(()) };
        running.closing.cancel();
        for (_, workers) in &*running.workers() {
            workers.close();
        }
        running.connection.close().await
    }

    async fn drain(&self, _: &Context) -> Result<()> {
        let Some(running) = self.running.get() else { return Ok(()) };
        let all = running.workers().clone();
        let unfinished = Unfinished(&all);
        for (_, workers) in &all {
            workers.wait().await;
        }
        drop(unfinished);
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
        info.extend(self.running.get().map(|running| ("place".to_owned(), Value::from(&*running.place))));
        info.insert("handlers".to_owned(), self.handlers().len().into());
        info
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
    fn check_handlers(&self, settings: &DeliverySettings, problems: &mut Problems) {
        let handlers = self.handlers();
        for (at, handler) in handlers.iter().enumerate() {
            let (pattern, options) = (handler.pattern, &handler.options);
            // Subscribers without a group get every message, each of them.
            let shares = pattern != Pattern::PublishSubscribe || options.group.is_some();
            let same = |other: &&Arc<super::worker::Handler>| {
                let (name, group) = (other.options.name, other.options.group);
                shares && other.pattern == pattern && name == options.name && group == options.group
            };
            if let Some(other) = handlers[..at].iter().find(same) {
                problems.push(Problem::of_service(format!(
                    "`{}` and `{}` both take {pattern} `{}`: a message would reach one of them by chance",
                    other.options.handler, options.handler, options.name
                )));
            }
            if options.name.is_empty() {
                problems.push(Problem::of_service(format!("`{}` names nothing to take from", options.handler)));
            }
        }
        let mut known: Vec<_> = handlers.iter().map(|handler| handler.options.handler).collect();
        known.sort_unstable();
        for name in settings.handlers.keys().filter(|name| !known.contains(&name.as_str())) {
            let unknown = Problem::of_key(&format!("handlers.{name}"), "this broker has no handler of this name");
            let help = match nearest(name, known.iter().copied()) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None if known.is_empty() => "it has none at all".to_owned(),
                None => format!("there are `{}`", known.join("`, `")),
            };
            problems.push(unknown.help(help));
        }
    }
}

/// Names the handlers that are still at work when nobody waits for them any longer.
struct Unfinished<'a>(&'a [(&'static str, TaskTracker)]);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        let late = self.0.iter().filter(|(_, workers)| !workers.is_empty());
        let late: Vec<_> = late.map(|(handler, workers)| format!("{} of `{handler}`", workers.len())).collect();
        if !late.is_empty() {
            tracing::warn!("messages are still at work and are cut off: {}", late.join(", "));
        }
    }
}
