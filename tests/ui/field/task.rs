use chassis::prelude::*;

#[microservice]
struct Orders {
    #[task]
    seen: u32,
}

fn main() {}
