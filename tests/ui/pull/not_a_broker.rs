use chassis::prelude::*;

#[derive(serde::Deserialize)]
struct Email;

#[microservice]
struct Mailer {
    #[resource]
    http: HttpServer,
}

#[microservice]
impl Mailer {
    #[pull(http, "emails")]
    async fn send(&self, _: Email) {}
}

fn main() {}
