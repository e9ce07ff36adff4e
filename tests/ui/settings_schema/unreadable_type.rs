use chassis::prelude::*;

struct Level(u8);

#[derive(SettingsSchema)]
struct Greeter {
    level: Level,
    names: Vec<Level>,
}

fn main() {}
