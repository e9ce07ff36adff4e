use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task]
    #[thread]
    async fn reconcile(&self) {}
}

fn main() {}
