use chassis::prelude::*;

#[microservice]
struct Orders {
    #[init("seven")]
    seven: u32,
}

fn main() {}
