const _: () = {
    use ::chassis::__private as __chassis;
    #[automatically_derived]
    impl __chassis::settings::SettingsSchema for Nothing {
        const ABOUT: &'static __chassis::str = "Nothing to set.";
        fn fields(_: &mut __chassis::settings::Form<'_>) -> __chassis::Option<Self> {
            __chassis::Some(Self)
        }
    }
    #[automatically_derived]
    impl<'de> __chassis::settings::Deserialize<'de> for Nothing {
        fn deserialize<D: __chassis::settings::Deserializer<'de>>(
            deserializer: D,
        ) -> __chassis::settings::Result<Self, D::Error> {
            __chassis::settings::deserialize(deserializer)
        }
    }
    #[automatically_derived]
    impl __chassis::settings::JsonSchema for Nothing {
        fn schema_name() -> __chassis::settings::Cow<'static, __chassis::str> {
            __chassis::settings::Cow::Borrowed("Nothing")
        }
        fn json_schema(
            _: &mut __chassis::settings::SchemaGenerator,
        ) -> __chassis::settings::Schema {
            __chassis::settings::json_schema::<Self>()
        }
    }
};
