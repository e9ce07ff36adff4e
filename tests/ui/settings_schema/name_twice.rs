use chassis::prelude::*;

#[derive(SettingsSchema)]
struct Greeter {
    name: String,
    #[setting(rename = "name")]
    other: String,
    #[setting(alias = ["a.b", "other"])]
    third: String,
}

fn main() {}
