//! A service with nothing in it.

use chassis::prelude::*;

/// Does nothing.
#[microservice]
struct Empty {}

fn main() -> std::process::ExitCode {
    Empty::run()
}
