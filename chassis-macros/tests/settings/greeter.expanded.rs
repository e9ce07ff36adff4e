const _: () = {
    use ::chassis::__private as __chassis;
    #[automatically_derived]
    impl __chassis::settings::SettingsSchema for GreeterSettings {
        const ABOUT: &'static __chassis::str = "Says hello.";
        fn fields(form: &mut __chassis::settings::Form<'_>) -> __chassis::Option<Self> {
            let name = form
                .field::<Setting<String>>("name")
                .about("Who is greeted.")
                .default(|| __chassis::settings::from_text::<Setting<String>>("world"))
                .read();
            let count = form
                .field::<u32>("count")
                .about("How often.")
                .default(|| __chassis::settings::from_plain::<u32>(3))
                .aliases(&["times"])
                .min(1)
                .max(10)
                .read();
            let pause = form
                .field::<Duration>("pause")
                .default(|| __chassis::settings::from_text::<Duration>("1s"))
                .min("10ms")
                .unit(__chassis::settings::Unit::Milliseconds)
                .read();
            let key = form
                .field::<Secret<String>>("key")
                .about("Key of the greeting service.")
                .read();
            let policy = form
                .field::<__chassis::settings::Serde<Policy>>("policy")
                .default(|| __chassis::settings::from_plain::<
                    __chassis::settings::Serde<Policy>,
                >(__chassis::settings::Default::default()))
                .read();
            let kind = form
                .field::<Option<Kind>>("type")
                .change(__chassis::settings::Change::Restart)
                .read();
            __chassis::Some(Self {
                name: name?,
                count: count?,
                pause: pause?,
                key: key?,
                policy: policy?.0,
                kind: kind?,
                cache: <Vec<u8> as __chassis::settings::Default>::default(),
            })
        }
        fn show_fields(&self) -> __chassis::settings::Json {
            use __chassis::settings::ShowNothing as _;
            __chassis::settings::show_fields(
                &[
                    ("name", __chassis::settings::Shown(&self.name).show()),
                    ("count", __chassis::settings::Shown(&self.count).show()),
                    ("pause", __chassis::settings::Shown(&self.pause).show()),
                    ("key", __chassis::settings::Shown(&self.key).show()),
                    ("type", __chassis::settings::Shown(&self.kind).show()),
                ],
            )
        }
    }
    #[automatically_derived]
    impl<'de> __chassis::settings::Deserialize<'de> for GreeterSettings {
        fn deserialize<D: __chassis::settings::Deserializer<'de>>(
            deserializer: D,
        ) -> __chassis::settings::Result<Self, D::Error> {
            __chassis::settings::deserialize(deserializer)
        }
    }
    #[automatically_derived]
    impl __chassis::settings::JsonSchema for GreeterSettings {
        fn schema_name() -> __chassis::settings::Cow<'static, __chassis::str> {
            __chassis::settings::Cow::Borrowed("GreeterSettings")
        }
        fn json_schema(
            _: &mut __chassis::settings::SchemaGenerator,
        ) -> __chassis::settings::Schema {
            __chassis::settings::json_schema::<Self>()
        }
    }
};
