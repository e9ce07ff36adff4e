use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task_timer(interval = "1s", leader = 3)]
    async fn tick(&self) {}

    #[task_timer(interval = "1s", leder)]
    async fn tock(&self) {}
}

fn main() {}
