use chassis::prelude::*;

struct Orders;

impl Orders {
    #[get("/orders")]
    async fn order(&self) {}
}

fn main() {}
