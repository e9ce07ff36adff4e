/// Says hello.
#[derive(SettingsSchema)]
pub struct GreeterSettings {
    /// Who is greeted.
    #[setting(default = "world")]
    name: Setting<String>,
    /// How often.
    #[setting(default = 3, range = 1..=10, alias = "times")]
    count: u32,
    #[setting(default = "1s", min = "10ms", unit = "ms")]
    pause: Duration,
    /// Key of the greeting service.
    key: Secret<String>,
    #[setting(serde, default)]
    policy: Policy,
    #[setting(rename = "type", restart)]
    kind: Option<Kind>,
    #[setting(skip)]
    cache: Vec<u8>,
}
