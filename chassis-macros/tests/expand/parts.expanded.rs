struct Orders {}
const _: () = {
    use ::chassis::__private as __chassis;
    #[automatically_derived]
    impl __chassis::Microservice for Orders {
        const NAME: &'static __chassis::str = "orders";
        const VERSION: &'static __chassis::str = ::core::env!("CARGO_PKG_VERSION");
        const ABOUT: &'static __chassis::str = "";
        type Args = MyArgs<u32>;
        fn build(_parts: &mut __chassis::Parts<'_>) -> __chassis::Result<Self> {
            __chassis::Ok(Self {})
        }
        fn blueprint(blueprint: &mut __chassis::Blueprint<Self>) {
            #[allow(unused_imports)]
            use __chassis::NoMethods as _;
            Self::chassis_only_one_block_may_have_no_part(blueprint);
            Self::chassis_part_routes(blueprint);
            Self::chassis_part_jobs(blueprint);
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
    async fn home(&self) {}
    #[deny(
        dead_code,
        reason = "the struct does not list this part: write `#[microservice(parts = [routes])]` on it; or this impl block does not cover the whole service: repeat the generics and bounds of the struct"
    )]
    pub(crate) fn chassis_part_routes(
        blueprint: &mut ::chassis::__private::Blueprint<Self>,
    ) {
        use ::chassis::__private as __chassis;
        blueprint
            .handlers(|service, _cx| {
                let http = __chassis::sole::<__chassis::http::HttpServer, _>(service);
                http.on(
                    __chassis::http::get("/")
                        .name("home")
                        .describe(|operation| {
                            #[allow(unused_imports)]
                            use __chassis::http::Undescribed as _;
                            __chassis::http::Shape::<()>::answer(operation);
                        }),
                    __chassis::each(
                        service,
                        |service, request| async move {
                            let answer = Self::home(&service).await;
                            __chassis::Ok(__chassis::http::answer::<()>(request, answer))
                        },
                    ),
                );
            });
    }
}
impl Orders {
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn work(&self) {}
    #[deny(
        dead_code,
        reason = "the struct does not list this part: write `#[microservice(parts = [jobs])]` on it; or this impl block does not cover the whole service: repeat the generics and bounds of the struct"
    )]
    pub(crate) fn chassis_part_jobs(
        blueprint: &mut ::chassis::__private::Blueprint<Self>,
    ) {
        use ::chassis::__private as __chassis;
        blueprint.task("work", |service, _cx| async move { Self::work(&service).await });
    }
}
impl Orders {
    fn helper(&self) {}
    #[deny(
        dead_code,
        reason = "this impl block does not cover the whole service: repeat the generics and bounds of the struct"
    )]
    pub(crate) fn chassis_only_one_block_may_have_no_part(
        _blueprint: &mut ::chassis::__private::Blueprint<Self>,
    ) {}
}
