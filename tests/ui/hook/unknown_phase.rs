use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[before(stoop)]
    async fn say_goodbye(&self) {}
}

fn main() {}
