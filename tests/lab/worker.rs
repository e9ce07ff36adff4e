//! A service that works off a queue and notes on disk what it has begun and what it has done: the notes outlive it.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::PathBuf,
    sync::OnceLock,
};

use chassis::{
    messaging::{Broker, Message},
    prelude::*,
};

/// Works off a queue.
#[microservice(name = "worker")]
struct Worker {
    #[resource]
    broker: Broker,
    /// The file that it notes in.
    #[setting]
    notes: PathBuf,
    /// How long it works at a message on average; between half of it and half as much again, in no order.
    #[setting(default = "0ms")]
    pace: Duration,
    /// Whether every tenth message, 3 and so on, fails at its first attempt, and every hundredth, 7 and so on, at all.
    #[setting(default = false)]
    fails: bool,
    file: OnceLock<File>,
}

#[microservice]
impl Worker {
    #[before(start)]
    async fn open(&self) -> Result<()> {
        let file = OpenOptions::new().create(true).append(true).open(&self.notes)?;
        let _ = self.file.set(file);
        Ok(())
    }

    #[pull(broker, "jobs", quiet)]
    async fn job(&self, message: Message<u64>) -> Result<()> {
        let number = *message;
        self.note("begun", number)?;
        if !self.pace.is_zero() {
            let part = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56;
            tokio::time::sleep(self.pace.mul_f64(0.5 + part as f64 / 256.0)).await;
        }
        if self.fails && number % 100 == 7 {
            return Err(Error::msg("no use").not_retried());
        }
        if self.fails && number % 10 == 3 && message.attempt() == 1 {
            return Err(Error::msg("at the first attempt"));
        }
        self.note("done", number)
    }

    /// One call of the system for each line, so that it is there as a whole or not at all.
    fn note(&self, what: &str, number: u64) -> Result<()> {
        let Some(mut file) = self.file.get() else { return Err(Error::msg("there are no notes")) };
        file.write_all(format!("{what} {number}\n").as_bytes())?;
        Ok(())
    }
}

fn main() -> std::process::ExitCode {
    Worker::run()
}
