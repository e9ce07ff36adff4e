pub(crate) struct Orders<D: Database> {
    db: D,
}
const _: () = {
    use ::chassis::__private as __chassis;
    #[automatically_derived]
    impl<D: Database> __chassis::Microservice for Orders<D> {
        const NAME: &'static __chassis::str = "orders";
        const VERSION: &'static __chassis::str = ::core::env!("CARGO_PKG_VERSION");
        const ABOUT: &'static __chassis::str = "";
        type Args = __chassis::NoArgs;
        fn build(_parts: &mut __chassis::Parts<'_>) -> __chassis::Result<Self> {
            __chassis::Ok(Self {
                db: __chassis::initial::<D>(),
            })
        }
        fn blueprint(blueprint: &mut __chassis::Blueprint<Self>) {
            #[allow(unused_imports)]
            use __chassis::NoMethods as _;
            blueprint.resource::<D>("db", |service| &service.db);
            Self::chassis_only_one_block_may_have_no_part(blueprint);
        }
    }
    #[automatically_derived]
    impl<D: Database> Orders<D> {
        /// Runs `orders` with its command line, until it is told to stop.
        #[allow(dead_code)]
        pub(crate) fn run() -> __chassis::ExitCode {
            __chassis::run::<Self>()
        }
        /// Puts `orders` together for tests and scripts.
        #[allow(dead_code)]
        #[must_use]
        pub(crate) fn builder() -> __chassis::Builder<Self> {
            __chassis::Builder::new()
        }
    }
};
