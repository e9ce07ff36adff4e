use chassis::prelude::*;

#[microservice]
struct Orders {
    #[resource]
    http: HttpServer,
}

#[microservice]
impl Orders {
    #[post("/orders/{id}")]
    async fn place(&self, _order: Json<u32>, _id: Path<u32>) {}
}

fn main() {}
