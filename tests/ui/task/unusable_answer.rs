use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task]
    async fn reconcile(&self) -> u32 {
        7
    }
}

fn main() {}
