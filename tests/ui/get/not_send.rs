use chassis::prelude::*;

#[microservice]
struct Orders {
    #[resource]
    http: HttpServer,
}

#[microservice]
impl Orders {
    #[get("/orders")]
    async fn order(&self) {
        let seen = std::rc::Rc::new(7);
        std::future::ready(()).await;
        drop(seen);
    }
}

fn main() {}
