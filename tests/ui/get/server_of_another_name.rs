use chassis::prelude::*;

type Front = HttpServer;

#[microservice]
struct Orders {
    #[resource]
    http: Front,
}

#[microservice]
impl Orders {
    #[get("/orders")]
    async fn order(&self) {}
}

fn main() {}
