const _: () = {
    use framework::__private as __chassis;
    #[automatically_derived]
    impl<T: SettingValue> __chassis::settings::SettingsSchema for Limits<T> {
        const ABOUT: &'static __chassis::str = "";
        fn fields(form: &mut __chassis::settings::Form<'_>) -> __chassis::Option<Self> {
            let min = form
                .field::<T>("min")
                .default(|| <Self as __chassis::settings::Default>::default().min)
                .read();
            let max = form
                .field::<T>("max")
                .default(|| <Self as __chassis::settings::Default>::default().max)
                .read();
            form.check(__chassis::Some(Self { min: min?, max: max? }), Limits::check)
        }
        fn show_fields(&self) -> __chassis::settings::Json {
            use __chassis::settings::ShowNothing as _;
            __chassis::settings::show_fields(
                &[
                    ("min", __chassis::settings::Shown(&self.min).show()),
                    ("max", __chassis::settings::Shown(&self.max).show()),
                ],
            )
        }
    }
    #[automatically_derived]
    impl<'de, T: SettingValue> __chassis::settings::Deserialize<'de> for Limits<T> {
        fn deserialize<D: __chassis::settings::Deserializer<'de>>(
            deserializer: D,
        ) -> __chassis::settings::Result<Self, D::Error> {
            __chassis::settings::deserialize(deserializer)
        }
    }
    #[automatically_derived]
    impl<T: SettingValue> __chassis::settings::JsonSchema for Limits<T> {
        fn schema_name() -> __chassis::settings::Cow<'static, __chassis::str> {
            __chassis::settings::Cow::Borrowed("Limits")
        }
        fn json_schema(
            _: &mut __chassis::settings::SchemaGenerator,
        ) -> __chassis::settings::Schema {
            __chassis::settings::json_schema::<Self>()
        }
    }
};
