use chassis::prelude::*;

#[microservice]
struct Orders {
    #[resource]
    http: HttpServer,
}

#[microservice]
impl Orders {
    #[post("/orders")]
    async fn place(&self, _order: Order) {}
}

struct Order;

fn main() {}
