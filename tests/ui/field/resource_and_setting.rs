use chassis::prelude::*;

#[microservice]
struct Orders {
    #[resource]
    #[setting]
    db: u32,
}

fn main() {}
