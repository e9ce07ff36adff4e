use chassis::prelude::*;

#[microservice]
struct Orders {
    #[setting(default = 1.5)]
    page_size: Setting<u32>,
}

fn main() {}
