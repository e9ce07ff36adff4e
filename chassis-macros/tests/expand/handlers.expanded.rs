impl Mailer {
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn send(&self, mail: Mail) -> Result<()> {
        Ok(())
    }
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn report(&self, Json(report): Json<Report>, attempt: Attempt, cx: Context) {}
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn count(self: Arc<Self>) {}
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
                service
                    .queue
                    .on(
                        pull("emails"),
                        __chassis::each(
                            service,
                            |service, mut input| async move {
                                let mail = __chassis::take::<Mail, _, _>(&mut input).await?;
                                let answer = Self::send(&service, mail).await;
                                __chassis::Ok(
                                    __chassis::settle::<Result<()>, _>(input, answer),
                                )
                            },
                        ),
                    );
                service
                    .queue
                    .on(
                        pull("reports").at_most(3),
                        __chassis::each_with(
                            service,
                            cx,
                            |service, cx, mut input| async move {
                                let report = __chassis::take::<
                                    Json<Report>,
                                    _,
                                    _,
                                >(&mut input)
                                    .await?;
                                let attempt = __chassis::take::<Attempt, _, _>(&mut input)
                                    .await?;
                                let answer = Self::report(
                                        &service,
                                        report,
                                        attempt,
                                        <Context as __chassis::FromContext>::from_context(&cx),
                                    )
                                    .await;
                                __chassis::Ok(__chassis::settle::<(), _>(input, answer))
                            },
                        ),
                    );
                service
                    .queue
                    .on(
                        every(),
                        __chassis::each(
                            service,
                            |service, input| async move {
                                let answer = Self::count(service).await;
                                __chassis::Ok(__chassis::settle::<(), _>(input, answer))
                            },
                        ),
                    );
            });
    }
}
