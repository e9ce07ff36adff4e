use chassis::prelude::*;

#[microservice]
struct Orders {
    #[resource]
    http: HttpServer,
}

#[microservice]
impl Orders {
    #[get("/orders", body_limit = "1 million")]
    async fn orders(&self) {}
}

fn main() {}
