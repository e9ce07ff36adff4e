//! The traits of an engine behind pointers.

use std::{any::Any, fmt, sync::Arc};

use futures_util::future::{BoxFuture, FutureExt as _};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::{
    Context, Error, Health, Result,
    codec::Format,
    messaging::{
        engine::{Connection, Consumer, Delivered, Engine, Intake, Verdict},
        failure::Failure,
        message::{Incoming, Outgoing},
        pattern::Pattern,
    },
};

/// An engine of any type.
pub(crate) trait DynEngine: Send + Sync {
    fn name(&self) -> &'static str;
    fn patterns(&self) -> &'static [Pattern];
    fn check(&self, settings: &(dyn Any + Send + Sync), intakes: &[Intake]) -> Result<()>;
    fn place(&self, settings: &(dyn Any + Send + Sync)) -> String;
    fn format(&self, settings: &(dyn Any + Send + Sync)) -> Option<Format>;
    fn connect<'a>(
        &'a self,
        cx: &'a Context,
        settings: Box<dyn Any + Send + Sync>,
    ) -> BoxFuture<'a, Result<AnyConnection>>;
}

pub(super) struct Erased<E>(pub(super) E);

impl<E: Engine> DynEngine for Erased<E> {
    fn name(&self) -> &'static str {
        E::NAME
    }

    fn patterns(&self) -> &'static [Pattern] {
        E::PATTERNS
    }

    fn check(&self, settings: &(dyn Any + Send + Sync), intakes: &[Intake]) -> Result<()> {
        settings.downcast_ref().map_or(Ok(()), |settings| self.0.check(settings, intakes))
    }

    fn place(&self, settings: &(dyn Any + Send + Sync)) -> String {
        settings.downcast_ref().map_or_else(|| E::NAME.to_owned(), |settings| self.0.place(settings))
    }

    fn format(&self, settings: &(dyn Any + Send + Sync)) -> Option<Format> {
        settings.downcast_ref().and_then(|settings| self.0.format(settings))
    }

    fn connect<'a>(
        &'a self,
        cx: &'a Context,
        settings: Box<dyn Any + Send + Sync>,
    ) -> BoxFuture<'a, Result<AnyConnection>> {
        async move {
            let settings = settings.downcast::<E::Settings>();
            let settings = settings.map_err(|_| Error::msg("these are the settings of another engine"))?;
            let connection = self.0.connect(cx, *settings).await?;
            Ok(AnyConnection { name: E::NAME, patterns: E::PATTERNS, connection: Box::new(connection) })
        }
        .boxed()
    }
}

/// A connection of any engine.
pub struct AnyConnection {
    name: &'static str,
    patterns: &'static [Pattern],
    connection: Box<dyn DynConnection>,
}

/// A consumer of any engine.
pub struct AnyConsumer(Box<dyn DynConsumer>);

/// A message of any engine.
pub struct AnyDelivered(Box<dyn DynDelivered>);

trait DynConnection: Send + Sync {
    fn consume<'a>(&'a self, intake: &'a Intake) -> BoxFuture<'a, Result<AnyConsumer>>;
    fn send<'a>(
        &'a self,
        pattern: Pattern,
        name: &'a str,
        message: Outgoing,
        until: Instant,
    ) -> BoxFuture<'a, Result<()>>;
    fn request<'a>(&'a self, name: &'a str, message: Outgoing, until: Instant) -> BoxFuture<'a, Result<Incoming>>;
    fn close(&self) -> BoxFuture<'_, Result<()>>;
    fn stop(&self) -> BoxFuture<'_, Result<()>>;
    fn keeps(&self) -> bool;
    fn carries_headers(&self) -> bool;
    fn health(&self) -> Health;
    fn info(&self) -> Map<String, Value>;
}

impl<C: Connection> DynConnection for C {
    fn consume<'a>(&'a self, intake: &'a Intake) -> BoxFuture<'a, Result<AnyConsumer>> {
        async move { Ok(AnyConsumer(Box::new(Connection::consume(self, intake).await?))) }.boxed()
    }

    fn send<'a>(
        &'a self,
        pattern: Pattern,
        name: &'a str,
        message: Outgoing,
        until: Instant,
    ) -> BoxFuture<'a, Result<()>> {
        Connection::send(self, pattern, name, message, until).boxed()
    }

    fn request<'a>(&'a self, name: &'a str, message: Outgoing, until: Instant) -> BoxFuture<'a, Result<Incoming>> {
        Connection::request(self, name, message, until).boxed()
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Connection::close(self).boxed()
    }

    fn stop(&self) -> BoxFuture<'_, Result<()>> {
        Connection::stop(self).boxed()
    }

    fn keeps(&self) -> bool {
        Connection::keeps(self)
    }

    fn carries_headers(&self) -> bool {
        Connection::carries_headers(self)
    }

    fn health(&self) -> Health {
        Connection::health(self)
    }

    fn info(&self) -> Map<String, Value> {
        Connection::info(self)
    }
}

trait DynConsumer: Send {
    fn next(&mut self) -> BoxFuture<'_, Option<Result<AnyDelivered>>>;
}

impl<C: Consumer> DynConsumer for C {
    fn next(&mut self) -> BoxFuture<'_, Option<Result<AnyDelivered>>> {
        Consumer::next(self).map(|next| Some(next?.map(|delivered| AnyDelivered(Box::new(delivered))))).boxed()
    }
}

trait DynDelivered: Send {
    fn message(&self) -> &Arc<Incoming>;
    fn settle(self: Box<Self>, verdict: Verdict) -> BoxFuture<'static, Result<()>>;
}

impl<D: Delivered> DynDelivered for D {
    fn message(&self) -> &Arc<Incoming> {
        Delivered::message(self)
    }

    fn settle(self: Box<Self>, verdict: Verdict) -> BoxFuture<'static, Result<()>> {
        Delivered::settle(*self, verdict).boxed()
    }
}

impl AnyConnection {
    /// Handlers are looked at before the start; a call is met here.
    fn offers(&self, pattern: Pattern) -> Result<()> {
        match self.patterns.contains(&pattern) {
            true => Ok(()),
            false => Err(Failure::Refused(format!("engine `{}` has no {pattern}", self.name)).into_error()),
        }
    }
}

impl Connection for AnyConnection {
    type Consumer = AnyConsumer;

    async fn consume(&self, intake: &Intake) -> Result<AnyConsumer> {
        self.offers(intake.pattern)?;
        self.connection.consume(intake).await
    }

    async fn send(&self, pattern: Pattern, name: &str, message: Outgoing, until: Instant) -> Result<()> {
        self.offers(pattern)?;
        self.connection.send(pattern, name, message, until).await
    }

    async fn request(&self, name: &str, message: Outgoing, until: Instant) -> Result<Incoming> {
        self.offers(Pattern::RequestResponse)?;
        self.connection.request(name, message, until).await
    }

    async fn close(&self) -> Result<()> {
        self.connection.close().await
    }

    async fn stop(&self) -> Result<()> {
        self.connection.stop().await
    }

    fn keeps(&self) -> bool {
        self.connection.keeps()
    }

    fn carries_headers(&self) -> bool {
        self.connection.carries_headers()
    }

    fn health(&self) -> Health {
        self.connection.health()
    }

    fn info(&self) -> Map<String, Value> {
        self.connection.info()
    }
}

impl Consumer for AnyConsumer {
    type Delivered = AnyDelivered;

    async fn next(&mut self) -> Option<Result<AnyDelivered>> {
        self.0.next().await
    }
}

impl Delivered for AnyDelivered {
    fn message(&self) -> &Arc<Incoming> {
        self.0.message()
    }

    async fn settle(self, verdict: Verdict) -> Result<()> {
        self.0.settle(verdict).await
    }
}

impl fmt::Debug for AnyConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnyConnection({})", self.name)
    }
}
