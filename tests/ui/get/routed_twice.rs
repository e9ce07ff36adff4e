use chassis::prelude::*;

#[microservice]
struct Orders {
    #[resource]
    http: HttpServer,
}

#[microservice]
impl Orders {
    #[get("/orders")]
    async fn orders(&self) {}

    #[get("/orders")]
    async fn all(&self) {}
}

fn main() {}
