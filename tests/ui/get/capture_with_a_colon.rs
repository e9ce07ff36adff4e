use chassis::prelude::*;

#[microservice]
struct Orders {
    #[resource]
    http: HttpServer,
}

#[microservice]
impl Orders {
    #[get("/orders/:id")]
    async fn order(&self) {}
}

fn main() {}
