use chassis::prelude::*;

struct Mailer;

impl Mailer {
    #[pull(broker, "emails")]
    async fn send(&self, _: String) {}
}

fn main() {}
