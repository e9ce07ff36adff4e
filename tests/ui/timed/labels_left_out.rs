use chassis::prelude::*;

#[derive(Labels)]
struct ByCurrency {
    currency: String,
}

struct Orders {
    latency: Histogram<ByCurrency>,
}

impl Orders {
    #[timed(self.latency)]
    fn price(&self) {}
}

fn main() {}
