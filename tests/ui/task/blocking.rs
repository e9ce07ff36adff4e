use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task]
    fn reconcile(&self) {}
}

fn main() {}
