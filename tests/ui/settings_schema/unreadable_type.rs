use chassis::prelude::*;

struct Level(u8);

#[derive(SettingsSchema)]
struct Greeter {
    level: Option<Level>,
    names: Vec<Level>,
}

fn main() {}
