use chassis::prelude::*;

#[microservice]
struct Orders {
    #[resource]
    http: HttpServer,
}

#[microservice]
impl Orders {
    #[get]
    async fn order(&self) {}
}

fn main() {}
