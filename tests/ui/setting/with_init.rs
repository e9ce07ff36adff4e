use chassis::prelude::*;

#[microservice]
struct Orders {
    #[setting]
    #[init(3)]
    page_size: u32,
}

fn main() {}
