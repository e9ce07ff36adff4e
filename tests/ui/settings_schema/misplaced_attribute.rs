use chassis::prelude::*;

#[derive(SettingsSchema)]
#[setting(crate = chassis)]
struct Greeter {
    #[settings(rename = "x")]
    name: String,
    #[setting(live, restart)]
    both: String,
}

fn main() {}
