use chassis::prelude::*;

struct Orders;

impl Orders {
    #[task]
    async fn reconcile(&self) {}
}

fn main() {}
