//! A worker that tries again what fails, and gives up what cannot be done.
//!
//! `cargo run --example mail_worker` writes three e-mails: one is sent, one at the second attempt, and one never; the log
//! says of each what happened, and what becomes of the last one.

use chassis::{
    messaging::{Memory, Message, known},
    prelude::*,
};
use serde::{Deserialize, Serialize};

/// An e-mail.
#[derive(Debug, Serialize, Deserialize)]
struct Email {
    to: String,
    text: String,
}

/// Sends e-mails that wait.
#[microservice(name = "mail_worker")]
struct MailWorker {
    #[resource]
    broker: Memory,
    /// E-mails that were sent.
    #[meter]
    sent: Counter,
}

#[microservice]
impl MailWorker {
    /// Four at a time; what fails is tried again after a rest, while others go on.
    #[pull(broker, "emails", concurrency = 4, retries = 2, min_delay = "100ms", max_delay = "1s", timeout = "10s")]
    async fn send(&self, email: Message<Email>) -> Result<()> {
        if email.to == "busy@example.org" && email.attempt() == 1 {
            return Err(Error::unavailable(Error::msg("the mailbox is busy")));
        }
        if !email.to.contains('@') {
            // Another attempt cannot help.
            return Err(Error::msg(format!("`{}` is no address", email.to)).not_retried());
        }
        tracing::info!("sent {} letters to {} at attempt {}", email.text.len(), email.to, email.attempt());
        self.sent.inc();
        Ok(())
    }

    /// What was given up, with the reason.
    #[pull(broker, "emails.dead")]
    async fn look_at(&self, email: Message<Email>) {
        let error = email.headers().get(known::DEAD_ERROR).unwrap_or("nothing known");
        tracing::warn!("the e-mail to {} was given up: {error}", email.to);
    }

    #[task]
    async fn write(&self) -> Result<()> {
        for to in ["you@example.org", "busy@example.org", "nobody"] {
            self.broker.push("emails", &Email { to: to.to_owned(), text: "Hello!".to_owned() }).await?;
        }
        Ok(())
    }
}

fn main() -> std::process::ExitCode {
    MailWorker::run()
}
