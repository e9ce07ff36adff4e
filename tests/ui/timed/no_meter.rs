use chassis::metrics::timed;

struct Orders;

impl Orders {
    #[timed]
    async fn price(&self) {}
}

fn main() {}
