use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task]
    async fn run(&self) {}
}

fn main() {}
