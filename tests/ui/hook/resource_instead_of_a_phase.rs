use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[after(postgres)]
    async fn say_goodbye(&self) {}
}

fn main() {}
