struct Quickstart {
    http: HttpServer,
}
const _: () = {
    use ::chassis::__private as __chassis;
    #[automatically_derived]
    impl __chassis::Microservice for Quickstart {
        const NAME: &'static __chassis::str = "quickstart";
        const VERSION: &'static __chassis::str = ::core::env!("CARGO_PKG_VERSION");
        const ABOUT: &'static __chassis::str = "";
        type Args = __chassis::NoArgs;
        fn build(_parts: &mut __chassis::Parts<'_>) -> __chassis::Result<Self> {
            __chassis::Ok(Self {
                http: __chassis::initial::<HttpServer>(),
            })
        }
        fn blueprint(blueprint: &mut __chassis::Blueprint<Self>) {
            #[allow(unused_imports)]
            use __chassis::NoMethods as _;
            blueprint.resource::<HttpServer>("http", |service| &service.http);
            Self::chassis_only_one_block_may_have_no_part(blueprint);
        }
    }
    #[automatically_derived]
    impl __chassis::Sole<HttpServer> for Quickstart {
        type Count = __chassis::One;
        fn sole(&self) -> &HttpServer {
            &self.http
        }
    }
    #[automatically_derived]
    impl Quickstart {
        /// Runs `quickstart` with its command line, until it is told to stop.
        #[allow(dead_code)]
        fn run() -> __chassis::ExitCode {
            __chassis::run::<Self>()
        }
        /// Puts `quickstart` together for tests and scripts.
        #[allow(dead_code)]
        #[must_use]
        fn builder() -> __chassis::Builder<Self> {
            __chassis::Builder::new()
        }
    }
};
impl Quickstart {
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn hello(&self) -> String {
        "hello".to_owned()
    }
    #[deny(
        dead_code,
        reason = "this impl block does not cover the whole service: repeat the generics and bounds of the struct"
    )]
    pub(crate) fn chassis_only_one_block_may_have_no_part(
        blueprint: &mut ::chassis::__private::Blueprint<Self>,
    ) {
        use ::chassis::__private as __chassis;
        blueprint
            .handlers(|service, _cx| {
                let http = __chassis::sole::<__chassis::http::HttpServer, _>(service);
                http.on(
                    __chassis::http::get("/")
                        .name("hello")
                        .describe(|operation| {
                            #[allow(unused_imports)]
                            use __chassis::http::Undescribed as _;
                            __chassis::http::Shape::<String>::answer(operation);
                        }),
                    __chassis::each(
                        service,
                        |service, request| async move {
                            let answer = Self::hello(&service).await;
                            __chassis::Ok(
                                __chassis::http::answer::<String>(request, answer),
                            )
                        },
                    ),
                );
            });
    }
}
