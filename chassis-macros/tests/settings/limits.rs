#[derive(SettingsSchema)]
#[settings(crate = framework, check = Limits::check, default)]
struct Limits<T: SettingValue> {
    min: T,
    max: T,
}
