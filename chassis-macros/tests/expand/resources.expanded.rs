/// Prices orders and remembers them.
///
/// Everything that can be said about it is said here.
struct Orders {
    /// Where orders are kept.
    db: Postgres,
    broker: Amqp,
    mailer: Mailer,
}
const _: () = {
    use ::chassis::__private as __chassis;
    #[automatically_derived]
    impl __chassis::Microservice for Orders {
        const NAME: &'static __chassis::str = "orders";
        const VERSION: &'static __chassis::str = ::core::env!("CARGO_PKG_VERSION");
        const ABOUT: &'static __chassis::str = "Prices orders and remembers them.";
        type Args = __chassis::NoArgs;
        fn build(_parts: &mut __chassis::Parts<'_>) -> __chassis::Result<Self> {
            __chassis::Ok(Self {
                db: __chassis::initial::<Postgres>(),
                broker: __chassis::initial::<Amqp>(),
                mailer: Mailer::new("orders@example.org"),
            })
        }
        fn blueprint(blueprint: &mut __chassis::Blueprint<Self>) {
            #[allow(unused_imports)]
            use __chassis::NoMethods as _;
            blueprint
                .resource::<Postgres>("db", |service| &service.db)
                .about("Where orders are kept.");
            blueprint.resource::<Amqp>("broker", |service| &service.broker).critical();
            blueprint
                .resource::<Mailer>("mailer", |service| &service.mailer)
                .after(&["db", "broker"]);
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
