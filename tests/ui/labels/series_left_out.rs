use chassis::prelude::*;

#[derive(Labels)]
struct ByCurrency {
    currency: String,
}

fn main() {
    Counter::<ByCurrency>::default().inc();
}
