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
    #[reply(broker, "price")]
    async fn price(&self, email: Email) -> Result<Email> {
        Ok(email)
    }
}

fn main() {}
