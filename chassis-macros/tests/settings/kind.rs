#[derive(SettingsSchema)]
#[settings(rename_all = "kebab-case")]
enum Kind {
    /// As late as possible.
    LazyStart,
    #[setting(rename = "NOW", alias = ["at-once", "eager"])]
    Eager,
}
