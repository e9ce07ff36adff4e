use chassis::prelude::*;

#[microservice]
struct Orders {
    #[setting(default = 1_u32)]
    logging: u32,
}

fn main() {}
