const _: () = {
    use ::chassis::__private as __chassis;
    const CHOICES: &[__chassis::settings::Choice] = &[
        __chassis::settings::Choice {
            name: "lazy-start",
            aliases: &[],
            about: "As late as possible.",
        },
        __chassis::settings::Choice {
            name: "NOW",
            aliases: &["at-once", "eager"],
            about: "",
        },
    ];
    #[automatically_derived]
    impl __chassis::settings::SettingValue for Kind {
        type Plain = Self;
        fn from_plain(plain: Self) -> Self {
            plain
        }
        fn read(input: &mut __chassis::settings::Input<'_>) -> __chassis::Option<Self> {
            match __chassis::settings::choose(input, CHOICES)? {
                0usize => __chassis::Some(Self::LazyStart),
                1usize => __chassis::Some(Self::Eager),
                _ => __chassis::None,
            }
        }
        fn shape() -> __chassis::settings::Shape {
            __chassis::settings::Shape::choice(CHOICES)
        }
        fn show(&self) -> __chassis::settings::Json {
            match *self {
                Self::LazyStart => __chassis::settings::show_choice(CHOICES, 0usize),
                Self::Eager => __chassis::settings::show_choice(CHOICES, 1usize),
            }
        }
    }
    #[automatically_derived]
    impl<'de> __chassis::settings::Deserialize<'de> for Kind {
        fn deserialize<D: __chassis::settings::Deserializer<'de>>(
            deserializer: D,
        ) -> __chassis::settings::Result<Self, D::Error> {
            __chassis::settings::deserialize(deserializer)
        }
    }
    #[automatically_derived]
    impl __chassis::settings::JsonSchema for Kind {
        fn schema_name() -> __chassis::settings::Cow<'static, __chassis::str> {
            __chassis::settings::Cow::Borrowed("Kind")
        }
        fn json_schema(
            _: &mut __chassis::settings::SchemaGenerator,
        ) -> __chassis::settings::Schema {
            __chassis::settings::json_schema::<Self>()
        }
    }
};
