use chassis::prelude::*;

fn main() {
    Gauge::<()>::default().set("three");
}
