use chassis::prelude::*;

#[microservice]
struct Orders;

trait Work {
    async fn work(&self);
}

#[microservice]
impl Work for Orders {
    #[task]
    async fn work(&self) {}
}

fn main() {}
