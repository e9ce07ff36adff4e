use chassis::settings::SettingsSchema;

#[derive(SettingsSchema)]
struct Settings {
    #[setting(default = 3, range = 5..=9)]
    low: u32,
    #[setting(default = 10, max = 9)]
    high: u32,
    #[setting(default = -5, min = -5)]
    fits: i32,
}

fn main() {}
