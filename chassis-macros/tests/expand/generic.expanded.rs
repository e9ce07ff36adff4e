pub struct Orders<D: Database = Postgres, const SHARDS: usize = 4>
where
    D: Clone,
{
    db: D,
}
const _: () = {
    use ::chassis::__private as __chassis;
    #[automatically_derived]
    impl<D: Database, const SHARDS: usize> __chassis::Microservice for Orders<D, SHARDS>
    where
        D: Clone,
    {
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
    impl Orders {
        /// Runs `orders` with its command line, until it is told to stop.
        #[allow(dead_code)]
        pub fn run() -> __chassis::ExitCode {
            __chassis::run::<Self>()
        }
    }
    #[automatically_derived]
    impl<D: Database, const SHARDS: usize> Orders<D, SHARDS>
    where
        D: Clone,
    {
        /// Puts `orders` together for tests and scripts.
        #[allow(dead_code)]
        #[must_use]
        pub fn builder() -> __chassis::Builder<Self> {
            __chassis::Builder::new()
        }
    }
};
impl<D: Database, const SHARDS: usize> Orders<D, SHARDS>
where
    D: Clone,
{
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn reconcile(&self) {}
    #[deny(
        dead_code,
        reason = "this impl block does not cover the whole service: repeat the generics and bounds of the struct"
    )]
    pub(crate) fn chassis_only_one_block_may_have_no_part(
        blueprint: &mut ::chassis::__private::Blueprint<Self>,
    ) {
        use ::chassis::__private as __chassis;
        blueprint
            .task(
                "reconcile",
                |service, _cx| async move { Self::reconcile(&service).await },
            );
    }
}
