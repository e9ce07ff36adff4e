use chassis::prelude::*;

#[microservice]
struct Orders {
    #[resource]
    http: HttpServer,
}

#[microservice]
impl Orders {
    #[get("/orders", timout = "5s")]
    async fn orders(&self) {}
}

fn main() {}
