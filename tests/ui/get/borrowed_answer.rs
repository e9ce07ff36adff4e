use chassis::prelude::*;

#[microservice]
struct Orders {
    #[resource]
    http: HttpServer,
}

#[microservice]
impl Orders {
    #[get("/orders")]
    async fn order(&self) -> &str {
        "borrowed"
    }
}

fn main() {}
