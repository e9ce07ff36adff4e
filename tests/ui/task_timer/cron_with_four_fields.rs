use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task_timer(cron = "0 3 * *")]
    async fn tick(&self) {}
}

fn main() {}
