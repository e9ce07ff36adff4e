use chassis::prelude::*;

#[derive(SettingsSchema)]
#[settings(rename_al = "kebab-case")]
struct Greeter {
    #[setting(defualt = "world")]
    name: String,
}

fn main() {}
