use chassis::prelude::*;

#[derive(Labels)]
struct ByRoute(&'static str, u16);

fn main() {
    Counter::<ByRoute>::default().with(&ByRoute("/", 200)).inc();
}
