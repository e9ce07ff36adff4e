struct Orders {
    db: Postgres,
}
const _: () = {
    use crate::runtime::__private as __chassis;
    #[automatically_derived]
    impl __chassis::Microservice for Orders {
        const NAME: &'static __chassis::str = "orders";
        const VERSION: &'static __chassis::str = ::core::env!("CARGO_PKG_VERSION");
        const ABOUT: &'static __chassis::str = "";
        type Args = __chassis::NoArgs;
        fn build(_parts: &mut __chassis::Parts<'_>) -> __chassis::Result<Self> {
            __chassis::Ok(Self {
                db: __chassis::initial::<Postgres>(),
            })
        }
        fn blueprint(blueprint: &mut __chassis::Blueprint<Self>) {
            #[allow(unused_imports)]
            use __chassis::NoMethods as _;
            blueprint.resource::<Postgres>("db", |service| &service.db);
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
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn tick(&self) {}
    /// The timer that calls `tick`.
    #[allow(dead_code)]
    pub(crate) const TICK: crate::runtime::__private::TimerId = crate::runtime::__private::TimerId::new(
        "tick",
    );
    #[deny(
        dead_code,
        reason = "this impl block does not cover the whole service: repeat the generics and bounds of the struct"
    )]
    pub(crate) fn chassis_only_one_block_may_have_no_part(
        blueprint: &mut crate::runtime::__private::Blueprint<Self>,
    ) {
        use crate::runtime::__private as __chassis;
        blueprint
            .timer(
                Self::TICK,
                __chassis::Schedule::every(__chassis::Duration::from_secs(1)),
                |service, _cx| async move { Self::tick(&service).await },
            );
    }
}
