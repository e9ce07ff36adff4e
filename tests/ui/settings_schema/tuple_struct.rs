use chassis::prelude::*;

#[derive(SettingsSchema)]
struct Greeter(String, u8);

#[derive(SettingsSchema)]
enum Nothing {}

#[derive(SettingsSchema)]
union Both {
    a: u8,
}

fn main() {}
