use chassis::prelude::*;

#[microservice]
struct Orders {
    #[resource]
    http: HttpServer,
}

#[microservice]
impl Orders {
    #[get(htpp, "/orders")]
    async fn order(&self) {}
}

fn main() {}
