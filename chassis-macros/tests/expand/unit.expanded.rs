/// Says nothing, does nothing.
pub struct Nothing;
const _: () = {
    use ::chassis::__private as __chassis;
    #[automatically_derived]
    impl __chassis::Microservice for Nothing {
        const NAME: &'static __chassis::str = "nothing";
        const VERSION: &'static __chassis::str = ::core::env!("CARGO_PKG_VERSION");
        const ABOUT: &'static __chassis::str = "Says nothing, does nothing.";
        type Args = __chassis::NoArgs;
        fn build(_parts: &mut __chassis::Parts<'_>) -> __chassis::Result<Self> {
            __chassis::Ok(Self)
        }
        fn blueprint(blueprint: &mut __chassis::Blueprint<Self>) {
            #[allow(unused_imports)]
            use __chassis::NoMethods as _;
            Self::chassis_only_one_block_may_have_no_part(blueprint);
        }
    }
    #[automatically_derived]
    impl Nothing {
        /// Runs `nothing` with its command line, until it is told to stop.
        #[allow(dead_code)]
        pub fn run() -> __chassis::ExitCode {
            __chassis::run::<Self>()
        }
        /// Puts `nothing` together for tests and scripts.
        #[allow(dead_code)]
        #[must_use]
        pub fn builder() -> __chassis::Builder<Self> {
            __chassis::Builder::new()
        }
    }
};
