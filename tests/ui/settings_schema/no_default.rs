use chassis::prelude::*;

#[derive(Clone, Copy, SettingsSchema)]
enum Kind {
    Lazy,
}

#[derive(SettingsSchema)]
struct Greeter {
    #[setting(default)]
    kind: Kind,
}

fn main() {}
