use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task(restart = "always", stop_when_done)]
    async fn reconcile(&self) {}
}

fn main() {}
