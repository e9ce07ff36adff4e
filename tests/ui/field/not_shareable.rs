use chassis::prelude::*;

#[microservice]
struct Orders {
    seen: std::cell::Cell<u32>,
}

fn main() {}
