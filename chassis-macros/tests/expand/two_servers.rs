#[microservice]
struct Gateway {
    #[resource]
    http: HttpServer,
    #[resource]
    admin: HttpServer,
}

#[microservice]
impl Gateway {
    #[get(http, "/")]
    async fn home(&self) -> String {
        String::new()
    }

    #[get(admin, "/")]
    async fn admin_home(&self) {}
}
