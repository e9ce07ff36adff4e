use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[resource]
    async fn reconcile(&self) {}
}

fn main() {}
