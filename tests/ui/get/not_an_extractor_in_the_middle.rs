use chassis::prelude::*;

#[microservice]
struct Orders {
    #[resource]
    http: HttpServer,
}

#[microservice]
impl Orders {
    #[post("/orders")]
    async fn place(&self, _order: Order, _id: Path<u32>) {}
}

struct Order;

fn main() {}
