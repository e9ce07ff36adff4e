use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[before(stop)]
    fn say_goodbye(&self) {}
}

fn main() {}
