use chassis::prelude::*;

#[microservice]
struct Orders {
    #[resource]
    http: HttpServer,
}

#[microservice]
impl Orders {
    #[get("/orders")]
    async fn order(&self) -> Order {
        Order
    }
}

struct Order;

fn main() {}
