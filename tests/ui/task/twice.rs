use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task]
    #[task]
    async fn reconcile(&self) {}
}

fn main() {}
