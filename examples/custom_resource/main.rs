//! A resource of one's own, with handlers of its own kind, written with public items only.
//!
//! `cargo run --example custom_resource` pushes an e-mail a second into a queue in memory and handles it.

#![allow(unreachable_pub, reason = "its modules read as those of a library would")]

mod queue;

use chassis::prelude::*;
use serde::{Deserialize, Serialize};

use crate::queue::{Queue, pull};

/// Sends e-mails that wait in a queue.
#[microservice(name = "mailer")]
struct Mailer {
    /// What waits to be sent.
    #[resource]
    queue: Queue,
    /// E-mails that were sent.
    #[meter]
    sent: Counter,
}

/// An e-mail.
#[derive(Debug, Serialize, Deserialize)]
struct Email {
    to: String,
    text: String,
}

#[microservice]
impl Mailer {
    #[on(queue, pull("emails"))]
    async fn send(&self, email: Email) -> Result<()> {
        tracing::info!(to = email.to, "sent {} characters", email.text.len());
        self.sent.inc();
        Ok(())
    }

    /// Breaks the queue now and then, to see that its restart loses nothing.
    #[task_timer(interval = "1m")]
    async fn sabotage(&self) -> Result<()> {
        self.queue.break_lane("emails")
    }

    #[task_timer(interval = "1s", immediate)]
    async fn write(&self) -> Result<()> {
        self.queue.push("emails", &Email { to: "you@example.org".to_owned(), text: "Hello!".to_owned() })
    }
}

fn main() -> std::process::ExitCode {
    Mailer::run()
}
