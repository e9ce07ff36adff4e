impl Orders {
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn tick(&self) {}
    /// Sweeps what nobody wants any more.
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    pub async fn sweep(&self) -> Result<()> {
        Ok(())
    }
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn bill(&self) {}
    #[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
    async fn everything(&self, cx: Context) {}
    /// The timer that calls `tick`.
    #[allow(dead_code)]
    pub(crate) const TICK: ::chassis::__private::TimerId = ::chassis::__private::TimerId::new(
        "tick",
    );
    /// The timer that calls `sweep`.
    #[allow(dead_code)]
    pub const SWEEP: ::chassis::__private::TimerId = ::chassis::__private::TimerId::new(
        "sweep",
    );
    /// The timer that calls `bill`.
    #[allow(dead_code)]
    pub(crate) const BILL: ::chassis::__private::TimerId = ::chassis::__private::TimerId::new(
        "bill",
    );
    /// The timer that calls `everything`.
    #[allow(dead_code)]
    pub(crate) const EVERYTHING: ::chassis::__private::TimerId = ::chassis::__private::TimerId::new(
        "everything",
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
            .timer(
                Self::TICK,
                __chassis::Schedule::every(__chassis::Duration::from_secs(1)),
                |service, _cx| async move { Self::tick(&service).await },
            );
        blueprint
            .timer(
                Self::SWEEP,
                __chassis::Schedule::cron("0 3 * * *", __chassis::Some("Europe/Berlin")),
                |service, _cx| async move { Self::sweep(&service).await },
            );
        blueprint
            .timer(
                Self::BILL,
                __chassis::Schedule::every(__chassis::Duration::from_secs(60)),
                |service, _cx| async move { Self::bill(&service).await },
            )
            .immediate()
            .leader(__chassis::Etcd);
        blueprint
            .timer(
                Self::EVERYTHING,
                __chassis::Schedule::every(__chassis::Duration::from_millis(1500)),
                |service, cx| async move {
                    Self::everything(
                            &service,
                            <Context as __chassis::FromContext>::from_context(&cx),
                        )
                        .await
                },
            )
            .one_shot()
            .immediate()
            .autostart(false)
            .overlap(__chassis::Overlap::Queue)
            .jitter(__chassis::Duration::from_millis(100));
    }
}
