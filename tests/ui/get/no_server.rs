use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[get("/orders")]
    async fn order(&self) {}

    #[get("/customers")]
    async fn customer(&self) {}
}

fn main() {}
