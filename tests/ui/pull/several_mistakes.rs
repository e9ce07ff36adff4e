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
    #[pull(broker, "emails", concurency = 8, retries = "five", min_delay = "soon")]
    async fn send(&self, _: &Email) {}
}

fn main() {}
