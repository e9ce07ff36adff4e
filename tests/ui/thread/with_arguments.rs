use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[thread(name = "crunch")]
    fn crunch(&self) {}
}

fn main() {}
