use chassis::prelude::*;

#[microservice]
struct Orders {
    #[resource]
    http: HttpServer,
}

#[microservice]
impl Orders {
    #[get(http, 7)]
    async fn order(&self) {}
}

fn main() {}
