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
    async fn send(&self, _: Email) -> u32 {
        7
    }
}

fn main() {}
