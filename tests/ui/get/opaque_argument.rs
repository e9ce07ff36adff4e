use chassis::prelude::*;

#[microservice]
struct Orders {
    #[resource]
    http: HttpServer,
}

#[microservice]
impl Orders {
    #[post("/orders")]
    async fn place(&self, _order: Json<impl serde::de::DeserializeOwned>) {}
}

fn main() {}
