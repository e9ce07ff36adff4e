use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task_timer]
    async fn tick(&self) {}
}

fn main() {}
