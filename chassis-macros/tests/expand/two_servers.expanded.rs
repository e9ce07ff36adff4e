struct Gateway {
    http: HttpServer,
    admin: HttpServer,
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
                http: __chassis::initial::<HttpServer>(),
                admin: __chassis::initial::<HttpServer>(),
            })
        }
        fn blueprint(blueprint: &mut __chassis::Blueprint<Self>) {
            #[allow(unused_imports)]
            use __chassis::NoMethods as _;
            blueprint.resource::<HttpServer>("http", |service| &service.http);
            blueprint.resource::<HttpServer>("admin", |service| &service.admin);
            Self::chassis_only_one_block_may_have_no_part(blueprint);
        }
    }
    #[automatically_derived]
    impl __chassis::Sole<HttpServer> for Gateway {
        type Count = __chassis::Several;
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
impl Gateway {
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn home(&self) -> String {
        String::new()
    }
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn admin_home(&self) {}
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
                service
                    .http
                    .on(
                        __chassis::http::get("/")
                            .name("home")
                            .describe(|operation| {
                                #[allow(unused_imports)]
                                use __chassis::http::Undescribed as _;
                                __chassis::http::Shape::<String>::answer(operation);
                            }),
                        __chassis::each(
                            service,
                            |service, request| async move {
                                let answer = Self::home(&service).await;
                                __chassis::Ok(
                                    __chassis::http::answer::<String>(request, answer),
                                )
                            },
                        ),
                    );
                service
                    .admin
                    .on(
                        __chassis::http::get("/")
                            .name("admin_home")
                            .describe(|operation| {
                                #[allow(unused_imports)]
                                use __chassis::http::Undescribed as _;
                                __chassis::http::Shape::<()>::answer(operation);
                            }),
                        __chassis::each(
                            service,
                            |service, request| async move {
                                let answer = Self::admin_home(&service).await;
                                __chassis::Ok(
                                    __chassis::http::answer::<()>(request, answer),
                                )
                            },
                        ),
                    );
            });
    }
}
