use chassis::prelude::*;

#[derive(SettingsSchema)]
struct Greeter {
    #[setting(default = 1, range = 1..10)]
    count: u32,
    #[setting(default = 1, range = 10)]
    other: u32,
    #[setting(default = 1, range = 1.., min = 2)]
    third: u32,
}

fn main() {}
