use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task(restarts = "always")]
    async fn reconcile(&self) {}
}

fn main() {}
