use chassis::prelude::*;

#[derive(SettingsSchema)]
#[settings(check = Limits::check)]
struct Limits {
    max: u32,
}

impl Limits {
    fn check(&self) -> bool {
        self.max > 0
    }
}

#[derive(SettingsSchema)]
#[settings(check = 3)]
struct Other;

fn main() {}
