impl Orders {
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn migrate(&self) -> Result<()> {
        Ok(())
    }
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn say_goodbye(&self, cx: Context) {}
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn refresh(&self) -> Result<()> {
        Ok(())
    }
    /// The timer that calls `refresh`.
    #[allow(dead_code)]
    pub(crate) const REFRESH: ::chassis::__private::TimerId = ::chassis::__private::TimerId::new(
        "refresh",
    );
    #[deny(
        dead_code,
        reason = "this impl block does not cover the whole service: repeat the generics and bounds of the struct"
    )]
    pub(crate) fn chassis_only_one_block_may_have_no_part(
        blueprint: &mut ::chassis::__private::Blueprint<Self>,
    ) {
        use ::chassis::__private as __chassis;
        blueprint
            .hook(
                "migrate",
                __chassis::When::After,
                __chassis::Phase::Start,
                __chassis::Some(
                    __chassis::resource_name("db", |service: &Self| &service.db),
                ),
                |service, _cx| async move { Self::migrate(&service).await },
            );
        blueprint
            .hook(
                "say_goodbye",
                __chassis::When::Before,
                __chassis::Phase::Stop,
                __chassis::None,
                |service, cx| async move {
                    Self::say_goodbye(
                            &service,
                            <Context as __chassis::FromContext>::from_context(&cx),
                        )
                        .await
                },
            );
        blueprint
            .hook(
                "refresh",
                __chassis::When::Before,
                __chassis::Phase::Open,
                __chassis::None,
                |service, _cx| async move { Self::refresh(&service).await },
            );
        blueprint
            .timer(
                Self::REFRESH,
                __chassis::Schedule::every(__chassis::Duration::from_secs(60)),
                |service, _cx| async move { Self::refresh(&service).await },
            );
    }
}
