impl Orders {
    /// Finds an order.
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn order(&self, Path(id): Path<Uuid>) -> Result<Json<Order>, Problem> {
        todo!()
    }
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn place(
        &self,
        headers: HeaderMap,
        Json(new): Json<NewOrder>,
        stop: Shutdown,
    ) -> Result<Created<Order>> {
        todo!()
    }
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn version(&self) -> &'static str {
        "1"
    }
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn echo(&self, request: Request) -> impl IntoResponse {
        request
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
            .handlers(|service, cx| {
                let http = __chassis::sole::<__chassis::http::HttpServer, _>(service);
                http.on(
                    __chassis::http::get("/orders/{id}")
                        .name("order")
                        .about("Finds an order.")
                        .timeout(__chassis::Duration::from_secs(5))
                        .cache(__chassis::Duration::from_secs(10))
                        .cache_by(&["accept-language"])
                        .describe(|operation| {
                            #[allow(unused_imports)]
                            use __chassis::http::Undescribed as _;
                            __chassis::http::Shape::<Path<Uuid>>::argument(operation);
                            __chassis::http::Shape::<Json<Order>>::answer(operation);
                            __chassis::http::Shape::<Problem>::failure(operation);
                        }),
                    __chassis::each(
                        service,
                        |service, mut request| async move {
                            let id = __chassis::http::last::<Path<Uuid>, _>(&mut request)
                                .await?;
                            let answer = Self::order(&service, id).await;
                            __chassis::Ok(
                                __chassis::http::answer::<
                                    Result<Json<Order>, Problem>,
                                >(request, answer),
                            )
                        },
                    ),
                );
                http.on(
                    __chassis::http::post("/orders")
                        .name("place")
                        .body_limit(1048576)
                        .status(201)
                        .describe(|operation| {
                            #[allow(unused_imports)]
                            use __chassis::http::Undescribed as _;
                            __chassis::http::Shape::<HeaderMap>::argument(operation);
                            __chassis::http::Shape::<
                                Json<NewOrder>,
                            >::argument(operation);
                            __chassis::http::Shape::<Created<Order>>::answer(operation);
                        }),
                    __chassis::each_with(
                        service,
                        cx,
                        |service, cx, mut request| async move {
                            let headers = __chassis::http::part::<
                                HeaderMap,
                            >(&mut request)
                                .await?;
                            let new = __chassis::http::last::<
                                Json<NewOrder>,
                                _,
                            >(&mut request)
                                .await?;
                            let answer = Self::place(
                                    &service,
                                    headers,
                                    new,
                                    <Shutdown as __chassis::FromContext>::from_context(&cx),
                                )
                                .await;
                            __chassis::Ok(
                                __chassis::http::answer::<
                                    Result<Created<Order>>,
                                >(request, answer),
                            )
                        },
                    ),
                );
                service
                    .admin
                    .on(
                        __chassis::http::get("/version")
                            .name("version")
                            .never_shed()
                            .describe(|operation| {
                                #[allow(unused_imports)]
                                use __chassis::http::Undescribed as _;
                                __chassis::http::Shape::<&'static str>::answer(operation);
                            }),
                        __chassis::each(
                            service,
                            |service, request| async move {
                                let answer = Self::version(&service).await;
                                __chassis::Ok(
                                    __chassis::http::answer::<&'static str>(request, answer),
                                )
                            },
                        ),
                    );
                http.on(
                    __chassis::http::any("/echo")
                        .name("echo")
                        .cancel_on_disconnect()
                        .describe(|operation| {
                            #[allow(unused_imports)]
                            use __chassis::http::Undescribed as _;
                            __chassis::http::Shape::<Request>::argument(operation);
                        }),
                    __chassis::each(
                        service,
                        |service, mut request| async move {
                            let argument_0 = __chassis::http::last::<
                                Request,
                                _,
                            >(&mut request)
                                .await?;
                            let answer = Self::echo(&service, argument_0).await;
                            __chassis::Ok(__chassis::http::answer(request, answer))
                        },
                    ),
                );
            });
    }
}
