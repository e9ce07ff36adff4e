use chassis::prelude::*;

#[microservice]
struct Orders {
    #[resource]
    http: HttpServer,
}

#[microservice]
impl Orders {
    #[get("/orders", status = 404)]
    async fn orders(&self) {}
}

fn main() {}
