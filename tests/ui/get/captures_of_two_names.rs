use chassis::prelude::*;

#[microservice]
struct Orders {
    #[resource]
    http: HttpServer,
}

#[microservice]
impl Orders {
    #[get("/orders/{id}")]
    async fn order(&self) {}

    #[delete("/orders/{name}")]
    async fn remove(&self) {}
}

fn main() {}
