//! The smallest service: one route, one setting.
//!
//! ```console
//! $ cargo run --example quickstart
//! $ curl http://127.0.0.1:8080/
//! hello, world
//! ```

use chassis::prelude::*;

/// Says hello.
#[microservice(name = "hello")]
struct Hello {
    #[resource]
    http: HttpServer,

    /// Who is greeted.
    #[setting(default = "world")]
    name: Setting<String>,
}

#[microservice]
impl Hello {
    #[get("/")]
    async fn hello(&self) -> String {
        format!("hello, {}\n", self.name.get())
    }
}

fn main() -> std::process::ExitCode {
    Hello::run()
}
