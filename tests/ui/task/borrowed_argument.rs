use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task]
    async fn reconcile(&self, _stop: &Shutdown) {}
}

fn main() {}
