use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[before]
    async fn say_goodbye(&self) {}
}

fn main() {}
