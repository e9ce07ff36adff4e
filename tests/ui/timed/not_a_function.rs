use chassis::metrics::timed;

#[timed(LATENCY)]
struct Orders;

trait Prices {
    #[timed(self.latency)]
    fn price(&self) -> u32;
}

fn main() {}
