use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task(leader)]
    async fn bill(&self) {}

    #[task_timer(interval = "1s", leader)]
    async fn tick(&self) {}
}

fn main() {}
