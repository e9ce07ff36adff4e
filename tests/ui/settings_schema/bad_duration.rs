use chassis::prelude::*;

#[derive(SettingsSchema)]
struct Greeter {
    #[setting(default = "10 parsecs")]
    patience: Duration,
    #[setting(default = 1, unit = "s")]
    size: u32,
}

fn main() {}
