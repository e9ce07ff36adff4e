use chassis::prelude::*;

#[microservice]
struct Orders {
    #[resource]
    db: String,
}

fn main() {}
