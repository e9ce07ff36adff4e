/// Prices orders.
struct Pricing {
    /// How many orders are on a page.
    page_size: Setting<u32>,
    key: Secret<String>,
    waits: Duration,
    window: Range,
    /// Orders that were priced.
    priced: Counter<ByCurrency>,
    /// How long pricing takes.
    took: Histogram,
    sizes: Summary,
    cache: Mutex<HashMap<Uuid, Order>>,
    since: Instant,
}
const _: () = {
    use ::chassis::__private as __chassis;
    #[automatically_derived]
    impl __chassis::Microservice for Pricing {
        const NAME: &'static __chassis::str = "pricing";
        const VERSION: &'static __chassis::str = ::core::env!("CARGO_PKG_VERSION");
        const ABOUT: &'static __chassis::str = "Prices orders.";
        const FREE_SETTINGS: __chassis::bool = true;
        type Args = __chassis::NoArgs;
        fn build(parts: &mut __chassis::Parts<'_>) -> __chassis::Result<Self> {
            __chassis::Ok(Self {
                page_size: parts
                    .setting::<
                        Setting<u32>,
                    >(
                        "page_size",
                        __chassis::Some(|| __chassis::settings::from_plain::<
                            Setting<u32>,
                        >(20)),
                    )?,
                key: parts.setting::<Secret<String>>("key", __chassis::None)?,
                waits: parts
                    .setting::<
                        Duration,
                    >(
                        "patience",
                        __chassis::Some(|| __chassis::settings::from_text::<
                            Duration,
                        >("5s")),
                    )?,
                window: parts
                    .setting::<
                        __chassis::settings::Serde<Range>,
                    >(
                        "window",
                        __chassis::Some(|| __chassis::settings::from_plain::<
                            __chassis::settings::Serde<Range>,
                        >(__chassis::settings::Default::default())),
                    )?
                    .0,
                priced: parts
                    .meter::<
                        Counter<ByCurrency>,
                    >(
                        __chassis::MeterOptions::new(
                            "priced",
                            "Orders that were priced.",
                        ),
                    )?,
                took: parts
                    .meter::<
                        Histogram,
                    >(
                        __chassis::MeterOptions::new(
                                "latency",
                                "How long pricing takes.",
                            )
                            .unit("seconds")
                            .buckets([0.001, 0.01, 0.1])
                            .max_series(100),
                    )?,
                sizes: parts
                    .meter::<
                        Summary,
                    >(
                        __chassis::MeterOptions::new("sizes", "")
                            .quantiles([0.5, 0.99])
                            .window(__chassis::Duration::from_secs(10)),
                    )?,
                cache: __chassis::initial::<Mutex<HashMap<Uuid, Order>>>(),
                since: Instant::now(),
            })
        }
        fn blueprint(blueprint: &mut __chassis::Blueprint<Self>) {
            #[allow(unused_imports)]
            use __chassis::NoMethods as _;
            blueprint
                .setting::<
                    Setting<u32>,
                >(
                    "page_size",
                    __chassis::Some(|| __chassis::settings::from_plain::<
                        Setting<u32>,
                    >(20)),
                )
                .about("How many orders are on a page.");
            blueprint.setting::<Secret<String>>("key", __chassis::None);
            blueprint
                .setting::<
                    Duration,
                >(
                    "patience",
                    __chassis::Some(|| __chassis::settings::from_text::<Duration>("5s")),
                )
                .aliases(&["timeout"])
                .max("1m")
                .unit(__chassis::settings::Unit::Milliseconds);
            blueprint
                .setting::<
                    __chassis::settings::Serde<Range>,
                >(
                    "window",
                    __chassis::Some(|| __chassis::settings::from_plain::<
                        __chassis::settings::Serde<Range>,
                    >(__chassis::settings::Default::default())),
                );
            Self::chassis_only_one_block_may_have_no_part(blueprint);
        }
    }
    #[automatically_derived]
    impl Pricing {
        /// Runs `pricing` with its command line, until it is told to stop.
        #[allow(dead_code)]
        fn run() -> __chassis::ExitCode {
            __chassis::run::<Self>()
        }
        /// Puts `pricing` together for tests and scripts.
        #[allow(dead_code)]
        #[must_use]
        fn builder() -> __chassis::Builder<Self> {
            __chassis::Builder::new()
        }
    }
};
