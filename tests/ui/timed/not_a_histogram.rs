use chassis::prelude::*;

struct Orders {
    placed: Counter,
}

impl Orders {
    #[timed(placed)]
    fn price(&self) {}
}

fn main() {}
