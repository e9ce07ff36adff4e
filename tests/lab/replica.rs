//! One replica of a service whose task writes to a store for as long as it leads.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    time::Duration,
};

use chassis::prelude::*;

/// Writes while it leads.
#[microservice(name = "replica")]
struct Replica {
    /// Who it is.
    #[setting]
    writer: String,
    /// The port of the store.
    #[setting]
    store: u16,
}

#[microservice]
impl Replica {
    #[task(leader, restart = "on-failure")]
    async fn write(&self, cx: Context) -> Result<()> {
        let store = TcpStream::connect(("127.0.0.1", self.store))?;
        store.set_nodelay(true)?;
        let mut answers = BufReader::new(store.try_clone()?);
        let mut store = store;
        loop {
            let token = cx.leadership().map_or(0, |leadership| leadership.token());
            // A step without an await, most of the time: what stops the process stops it in here.
            std::thread::sleep(Duration::from_millis(9));
            writeln!(store, "{} {token}", self.writer)?;
            let mut answer = String::new();
            answers.read_line(&mut answer)?;
            tracing::debug!("the store says {}", answer.trim());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

fn main() -> std::process::ExitCode {
    Replica::run()
}
