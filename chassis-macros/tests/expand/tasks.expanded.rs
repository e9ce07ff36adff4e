impl Orders {
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn once(&self) {}
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn reconcile(&self, stop: Shutdown) -> Result<()> {
        Ok(())
    }
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn main(self: Arc<Self>, cx: Context) -> Result<()> {
        Ok(())
    }
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn bill(&self, cx: Context) -> Result<()> {
        Ok(())
    }
    fn returns_a_future(&self) {}
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    fn forever(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
    #[deny(
        dead_code,
        reason = "this impl block does not cover the whole service: repeat the generics and bounds of the struct"
    )]
    pub(crate) fn chassis_only_one_block_may_have_no_part(
        blueprint: &mut ::chassis::__private::Blueprint<Self>,
    ) {
        use ::chassis::__private as __chassis;
        blueprint.task("once", |service, _cx| async move { Self::once(&service).await });
        blueprint
            .task(
                "reconcile",
                |service, cx| async move {
                    Self::reconcile(
                            &service,
                            <Shutdown as __chassis::FromContext>::from_context(&cx),
                        )
                        .await
                },
            )
            .restart(__chassis::Restart::OnFailure)
            .on_give_up(__chassis::OnGiveUp::Degrade)
            .takes_shutdown();
        blueprint
            .task(
                "main",
                |service, cx| async move {
                    Self::main(
                            service,
                            <Context as __chassis::FromContext>::from_context(&cx),
                        )
                        .await
                },
            )
            .stop_when_done();
        blueprint
            .task(
                "bill",
                |service, cx| async move {
                    Self::bill(
                            &service,
                            <Context as __chassis::FromContext>::from_context(&cx),
                        )
                        .await
                },
            )
            .leader(__chassis::Etcd);
        blueprint
            .task("forever", |service, _cx| async move { Self::forever(&service).await })
            .restart(__chassis::Restart::Always);
    }
}
