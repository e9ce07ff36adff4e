use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task]
    async fn reconcile(self: Box<Self>) {}
}

fn main() {}
