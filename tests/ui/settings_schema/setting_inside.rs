use chassis::prelude::*;

#[derive(SettingsSchema)]
struct Greeter {
    name: Option<Setting<String>>,
}

fn main() {}
