impl Orders {
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    fn crunch(&self, stop: Shutdown) {}
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    fn owned(self: Arc<Self>) -> Result<()> {
        Ok(())
    }
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn alone(&self, cx: Context) {}
    #[deny(
        dead_code,
        reason = "this impl block does not cover the whole service: repeat the generics and bounds of the struct"
    )]
    pub(crate) fn chassis_only_one_block_may_have_no_part(
        blueprint: &mut ::chassis::__private::Blueprint<Self>,
    ) {
        use ::chassis::__private as __chassis;
        blueprint
            .thread(
                "crunch",
                |service, cx| Self::crunch(
                    &service,
                    <Shutdown as __chassis::FromContext>::from_context(&cx),
                ),
            );
        blueprint.thread("owned", |service, _cx| Self::owned(service));
        blueprint
            .async_thread(
                "alone",
                |service, cx| async move {
                    Self::alone(
                            &service,
                            <Context as __chassis::FromContext>::from_context(&cx),
                        )
                        .await
                },
            );
    }
}
