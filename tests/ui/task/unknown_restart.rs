use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task(restart = "on_failure")]
    async fn reconcile(&self) {}
}

fn main() {}
