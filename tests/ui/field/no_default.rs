use chassis::prelude::*;

#[microservice]
struct Orders {
    since: std::time::Instant,
}

fn main() {}
