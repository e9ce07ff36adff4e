struct Orders {
    #[cfg(feature = "postgres")]
    db: Postgres,
    #[cfg(not(feature = "postgres"))]
    db: Memory,
    #[cfg(feature = "mail")]
    mailer: Mailer,
    broker: Amqp,
    #[cfg(test)]
    seen: Vec<u32>,
}
const _: () = {
    use ::chassis::__private as __chassis;
    #[automatically_derived]
    impl __chassis::Microservice for Orders {
        const NAME: &'static __chassis::str = "orders";
        const VERSION: &'static __chassis::str = ::core::env!("CARGO_PKG_VERSION");
        const ABOUT: &'static __chassis::str = "";
        type Args = __chassis::NoArgs;
        fn build(_parts: &mut __chassis::Parts<'_>) -> __chassis::Result<Self> {
            __chassis::Ok(Self {
                #[cfg(feature = "postgres")]
                db: __chassis::initial::<Postgres>(),
                #[cfg(not(feature = "postgres"))]
                db: __chassis::initial::<Memory>(),
                #[cfg(feature = "mail")]
                mailer: __chassis::initial::<Mailer>(),
                broker: __chassis::initial::<Amqp>(),
                #[cfg(test)]
                seen: __chassis::initial::<Vec<u32>>(),
            })
        }
        fn blueprint(blueprint: &mut __chassis::Blueprint<Self>) {
            #[allow(unused_imports)]
            use __chassis::NoMethods as _;
            #[cfg(feature = "postgres")]
            blueprint.resource::<Postgres>("db", |service| &service.db);
            #[cfg(not(feature = "postgres"))]
            blueprint.resource::<Memory>("db", |service| &service.db);
            #[cfg(feature = "mail")]
            blueprint.resource::<Mailer>("mailer", |service| &service.mailer);
            blueprint
                .resource::<Amqp>("broker", |service| &service.broker)
                .after(&["db", #[cfg(feature = "mail")] "mailer"]);
            Self::chassis_only_one_block_may_have_no_part(blueprint);
        }
    }
    #[automatically_derived]
    impl Orders {
        /// Runs `orders` with its command line, until it is told to stop.
        #[allow(dead_code)]
        fn run() -> __chassis::ExitCode {
            __chassis::run::<Self>()
        }
        /// Puts `orders` together for tests and scripts.
        #[allow(dead_code)]
        #[must_use]
        fn builder() -> __chassis::Builder<Self> {
            __chassis::Builder::new()
        }
    }
};
impl Orders {
    #[cfg(feature = "mail")]
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn remind(&self) {}
    #[cfg(unix)]
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn on_order(&self, order: Order) {}
    /// The timer that calls `remind`.
    #[allow(dead_code)]
    #[cfg(feature = "mail")]
    pub(crate) const REMIND: ::chassis::__private::TimerId = ::chassis::__private::TimerId::new(
        "remind",
    );
    #[deny(
        dead_code,
        reason = "this impl block does not cover the whole service: repeat the generics and bounds of the struct"
    )]
    #[allow(unused_imports, unused_variables)]
    pub(crate) fn chassis_only_one_block_may_have_no_part(
        blueprint: &mut ::chassis::__private::Blueprint<Self>,
    ) {
        use ::chassis::__private as __chassis;
        #[cfg(feature = "mail")]
        blueprint
            .timer(
                Self::REMIND,
                __chassis::Schedule::every(__chassis::Duration::from_secs(3600)),
                |service, _cx| async move { Self::remind(&service).await },
            );
        blueprint
            .handlers(|service, _cx| {
                #[cfg(unix)]
                service
                    .broker
                    .on(
                        subscribe("orders"),
                        __chassis::each(
                            service,
                            |service, mut input| async move {
                                let order = __chassis::take::<Order, _, _>(&mut input)
                                    .await?;
                                let answer = Self::on_order(&service, order).await;
                                __chassis::Ok(__chassis::settle::<(), _>(input, answer))
                            },
                        ),
                    );
            });
    }
}
struct Gateway {
    #[cfg(unix)]
    http: HttpServer,
    #[cfg(not(unix))]
    http: HttpServer,
}
const _: () = {
    use ::chassis::__private as __chassis;
    #[automatically_derived]
    impl __chassis::Microservice for Gateway {
        const NAME: &'static __chassis::str = "gateway";
        const VERSION: &'static __chassis::str = ::core::env!("CARGO_PKG_VERSION");
        const ABOUT: &'static __chassis::str = "";
        type Args = __chassis::NoArgs;
        fn build(_parts: &mut __chassis::Parts<'_>) -> __chassis::Result<Self> {
            __chassis::Ok(Self {
                #[cfg(unix)]
                http: __chassis::initial::<HttpServer>(),
                #[cfg(not(unix))]
                http: __chassis::initial::<HttpServer>(),
            })
        }
        fn blueprint(blueprint: &mut __chassis::Blueprint<Self>) {
            #[allow(unused_imports)]
            use __chassis::NoMethods as _;
            #[cfg(unix)]
            blueprint.resource::<HttpServer>("http", |service| &service.http);
            #[cfg(not(unix))]
            blueprint.resource::<HttpServer>("http", |service| &service.http);
            Self::chassis_only_one_block_may_have_no_part(blueprint);
        }
    }
    #[cfg(unix)]
    #[automatically_derived]
    impl __chassis::Sole<HttpServer> for Gateway {
        type Count = __chassis::One;
        fn sole(&self) -> &HttpServer {
            &self.http
        }
    }
    #[cfg(not(unix))]
    #[automatically_derived]
    impl __chassis::Sole<HttpServer> for Gateway {
        type Count = __chassis::One;
        fn sole(&self) -> &HttpServer {
            &self.http
        }
    }
    #[automatically_derived]
    impl Gateway {
        /// Runs `gateway` with its command line, until it is told to stop.
        #[allow(dead_code)]
        fn run() -> __chassis::ExitCode {
            __chassis::run::<Self>()
        }
        /// Puts `gateway` together for tests and scripts.
        #[allow(dead_code)]
        #[must_use]
        fn builder() -> __chassis::Builder<Self> {
            __chassis::Builder::new()
        }
    }
};
