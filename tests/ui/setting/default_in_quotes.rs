use chassis::prelude::*;

#[microservice]
struct Orders {
    #[setting(default = "20")]
    page_size: Setting<u32>,
}

fn main() {}
