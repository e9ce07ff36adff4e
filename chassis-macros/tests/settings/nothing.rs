/// Nothing to set.
#[derive(SettingsSchema)]
struct Nothing;
