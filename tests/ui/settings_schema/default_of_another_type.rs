use chassis::prelude::*;

#[derive(SettingsSchema)]
struct Greeter {
    #[setting(default = "twenty".len())]
    name: String,
    #[setting(default = -1)]
    count: u32,
}

fn main() {}
