use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task_timer(cron = "0 25 * * *")]
    async fn tick(&self) {}
}

fn main() {}
