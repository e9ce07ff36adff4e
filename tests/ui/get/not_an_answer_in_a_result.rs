use chassis::prelude::*;

#[microservice]
struct Orders {
    #[resource]
    http: HttpServer,
}

#[microservice]
impl Orders {
    #[get("/orders")]
    async fn order(&self) -> Result<Order> {
        Ok(Order)
    }
}

struct Order;

fn main() {}
