use chassis::prelude::*;

#[derive(SettingsSchema)]
enum Storage {
    Memory,
    Folder(String),
}

fn main() {}
