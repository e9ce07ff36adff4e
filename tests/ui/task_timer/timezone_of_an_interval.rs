use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task_timer(interval = "1s", timezone = "Europe/Berlin")]
    async fn tick(&self) {}
}

fn main() {}
