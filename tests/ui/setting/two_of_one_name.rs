use chassis::prelude::*;

#[microservice]
struct Orders {
    #[setting(default = 20)]
    page_size: Setting<u32>,
    #[setting(rename = "page_size", default = 20)]
    pages: Setting<u32>,
}

fn main() {}
