use chassis::{messaging::Memory, prelude::*};

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
}

fn main() {}
