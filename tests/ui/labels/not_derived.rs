use chassis::prelude::*;

struct ByCurrency {
    currency: String,
}

#[microservice]
struct Orders {
    #[meter]
    placed: Counter<ByCurrency>,
}

fn main() {}
