use chassis::prelude::*;

#[microservice]
struct Orders {
    #[resource = "db"]
    db: u32,
}

fn main() {}
