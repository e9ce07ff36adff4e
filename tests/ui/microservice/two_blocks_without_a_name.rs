use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task]
    async fn work(&self) {}
}

#[microservice]
impl Orders {
    #[task]
    async fn play(&self) {}
}

fn main() {}
