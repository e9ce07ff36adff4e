use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task_timer(interval = "1s", overlap = "que")]
    async fn tick(&self) {}
}

fn main() {}
