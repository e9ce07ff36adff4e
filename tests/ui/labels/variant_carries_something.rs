use chassis::prelude::*;

#[derive(Labels)]
enum Outcome {
    Shipped,
    Failed(String),
    OutOfStock { item: u32 },
}

fn main() {
    Counter::<Outcome>::default().with(&Outcome::Shipped).inc();
}
