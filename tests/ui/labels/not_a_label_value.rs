use chassis::prelude::*;

#[derive(Labels)]
struct ByPrice {
    currency: String,
    price: f64,
}

fn main() {}
