use chassis::prelude::*;

#[microservice]
struct Orders {
    #[init]
    since: u32,
}

fn main() {}
