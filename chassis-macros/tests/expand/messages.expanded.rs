impl Mailer {
    /// Sends an e-mail.
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn send(&self, mail: Message<Email>) -> Result<()> {
        Ok(())
    }
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn placed(&self, order: Order, cx: Context) {}
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn price(self: Arc<Self>, quote: Quote) -> Result<Price> {
        Ok(Price)
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
                service
                    .broker
                    .on(
                        __chassis::messaging::pull("emails")
                            .about("Sends an e-mail.")
                            .concurrency(8)
                            .retries(5)
                            .min_delay(__chassis::Duration::from_secs(1))
                            .by_key()
                            .codec(MessagePack)
                            .describe(|operation| {
                                #[allow(unused_imports)]
                                use __chassis::messaging::Undescribed as _;
                                __chassis::messaging::Shape::<
                                    Message<Email>,
                                >::argument(operation);
                                __chassis::messaging::Shape::<()>::answer(operation);
                            })
                            .handler("send"),
                        __chassis::each(
                            service,
                            |service, mut input| async move {
                                let mail = __chassis::take::<
                                    Message<Email>,
                                    _,
                                    _,
                                >(&mut input)
                                    .await?;
                                let answer = Self::send(&service, mail).await;
                                __chassis::Ok(
                                    __chassis::settle::<Result<()>, _>(input, answer),
                                )
                            },
                        ),
                    );
                service
                    .broker
                    .on(
                        __chassis::messaging::subscribe("orders.placed")
                            .group("billing")
                            .describe(|operation| {
                                #[allow(unused_imports)]
                                use __chassis::messaging::Undescribed as _;
                                __chassis::messaging::Shape::<Order>::argument(operation);
                                __chassis::messaging::Shape::<()>::answer(operation);
                            })
                            .handler("placed"),
                        __chassis::each_with(
                            service,
                            cx,
                            |service, cx, mut input| async move {
                                let order = __chassis::take::<Order, _, _>(&mut input)
                                    .await?;
                                let answer = Self::placed(
                                        &service,
                                        order,
                                        <Context as __chassis::FromContext>::from_context(&cx),
                                    )
                                    .await;
                                __chassis::Ok(__chassis::settle::<(), _>(input, answer))
                            },
                        ),
                    );
                service
                    .broker
                    .on(
                        __chassis::messaging::reply(PRICE)
                            .describe(|operation| {
                                #[allow(unused_imports)]
                                use __chassis::messaging::Undescribed as _;
                                __chassis::messaging::Shape::<Quote>::argument(operation);
                                __chassis::messaging::Shape::<Price>::answer(operation);
                            })
                            .handler("price"),
                        __chassis::each(
                            service,
                            |service, mut input| async move {
                                let quote = __chassis::take::<Quote, _, _>(&mut input)
                                    .await?;
                                let answer = Self::price(service, quote).await;
                                __chassis::Ok(
                                    __chassis::settle::<Result<Price>, _>(input, answer),
                                )
                            },
                        ),
                    );
            });
    }
}
