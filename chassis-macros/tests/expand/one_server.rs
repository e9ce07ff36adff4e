#[microservice]
struct Quickstart {
    #[resource]
    http: HttpServer,
}

#[microservice]
impl Quickstart {
    #[get("/")]
    async fn hello(&self) -> String {
        "hello".to_owned()
    }
}
