//! The same service on chassis, with everything it brings.

use benches::Order;
use chassis::prelude::*;

/// Serves orders.
#[microservice(name = "service")]
struct Service {
    #[resource]
    http: HttpServer,
}

#[microservice]
impl Service {
    #[get("/orders/{id}")]
    async fn order(&self, Path(id): Path<u32>) -> Json<Order> {
        Json(Order::sample(id))
    }

    #[get("/slow")]
    async fn slow(&self) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn main() -> std::process::ExitCode {
    Service::run()
}
