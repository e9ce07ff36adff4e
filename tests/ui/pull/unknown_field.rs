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
    #[pull(queue, "emails")]
    async fn send(&self, _: Email) {}
}

fn main() {}
