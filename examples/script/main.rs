//! A script: resources, settings and logs of a service, without running one.
//!
//! `cargo run --example script -- Ada` greets Ada and ends.

use chassis::prelude::*;

/// What the script works with.
#[microservice(name = "greet")]
struct Tools {
    /// Where greetings go to.
    #[resource]
    printer: Printer,
}

/// Stands for a database, a broker, a mail server.
#[derive(Default)]
struct Printer;

impl Printer {
    fn print(&self, text: &str) {
        println!("{text}");
    }
}

impl Resource for Printer {
    type Settings = ();
}

#[tokio::main]
async fn main() -> Result<()> {
    let name = std::env::args().nth(1).unwrap_or_else(|| "world".to_owned());
    let tools = Tools::builder().environment().start().await?;
    tools.service().printer.print(&format!("Hello, {name}!"));
    tools.stop().await?;
    Ok(())
}
