use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task_timer(interval = 1.5)]
    async fn tick(&self) {}
}

fn main() {}
