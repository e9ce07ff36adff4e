use chassis::prelude::*;

#[microservice]
struct Orders {
    #[setting(live, default = 20)]
    page_size: u32,
}

fn main() {}
