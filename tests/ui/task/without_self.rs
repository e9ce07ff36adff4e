use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task]
    async fn reconcile() {}
}

fn main() {}
