use chassis::prelude::*;

#[microservice]
struct Orders {
    #[meter(bucket = [1.0])]
    took: Histogram,
}

fn main() {}
