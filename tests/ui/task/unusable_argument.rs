use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task]
    async fn reconcile(&self, _order: Vec<u32>) {}
}

fn main() {}
