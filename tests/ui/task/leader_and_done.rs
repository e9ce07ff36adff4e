use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task(leader, stop_when_done)]
    async fn bill(&self) {}
}

fn main() {}
