use chassis::prelude::*;

#[microservice]
struct Orders {
    #[meter]
    placed: u32,
}

fn main() {}
