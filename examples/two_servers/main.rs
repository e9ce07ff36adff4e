//! Two HTTP servers in one service, each with settings of its own.
//!
//! `cargo run --example two_servers -- --settings examples/two_servers/settings.yml`

use std::sync::atomic::{AtomicBool, Ordering};

use chassis::prelude::*;

/// A shop with a door for customers and one for its staff.
#[microservice(name = "shop")]
struct Shop {
    /// For customers, `system.resources.public`.
    #[resource]
    public: HttpServer,
    /// For the staff, `system.resources.staff`.
    #[resource]
    staff: HttpServer,
    is_closed: AtomicBool,
}

#[microservice]
impl Shop {
    /// Whether the shop is open.
    #[get(public, "/")]
    async fn enter(&self) -> &'static str {
        if self.is_closed.load(Ordering::Relaxed) { "closed" } else { "welcome" }
    }

    /// Opens or closes the shop.
    #[put(staff, "/open")]
    async fn open(&self, Json(is_open): Json<bool>) -> Json<bool> {
        self.is_closed.store(!is_open, Ordering::Relaxed);
        Json(is_open)
    }
}

fn main() -> std::process::ExitCode {
    Shop::run()
}
