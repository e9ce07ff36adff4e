use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[cfg_attr(windows, task)]
    async fn reconcile(&self) {}
}

fn main() {}
