use chassis::prelude::*;

use chassis::handler::{Give, Input, Settle};

#[derive(Default)]
struct Queue;
impl Resource for Queue {
    type Settings = ();
}
impl Queue {
    fn on<F: Future<Output = ()>>(&self, _: &str, _: impl Fn(Mail) -> F) {}
}

struct Mail(String);
impl Input for Mail {
    type Outcome = ();
}
impl Give<String> for Mail {
    async fn give(&mut self) -> std::result::Result<String, ()> {
        Ok(self.0.clone())
    }
}
impl Settle<()> for Mail {
    fn settle(self, _: ()) {}
}

#[microservice]
struct Mailer {
    #[resource]
    queue: Queue,
    seen: u32,
}

#[microservice]
impl Mailer {
    #[on]
    async fn send(&self, _mail: String) {}
}

fn main() {}
