use chassis::{messaging::Memory, prelude::*};

#[derive(serde::Deserialize)]
struct Email;

#[microservice]
struct Mailer {
    #[resource]
    broker: Memory,
}

#[microservice]
impl Mailer {
    #[pull(broker, "emails")]
    async fn send(&self, _: Email) {}

    #[pull(broker, "emails")]
    async fn count(&self, _: Email) {}
}

fn main() {}
