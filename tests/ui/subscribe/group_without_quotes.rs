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
    #[subscribe(broker, "orders.placed", group = billing)]
    async fn placed(&self, _: Email) {}
}

fn main() {}
