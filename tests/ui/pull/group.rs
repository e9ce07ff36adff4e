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
    #[pull(broker, "emails", group = "mailers")]
    async fn send(&self, _: Email) {}
}

fn main() {}
