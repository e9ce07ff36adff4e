use chassis::prelude::*;

struct Greeter(u32);
impl Resource for Greeter {
    type Settings = ();
}

#[microservice]
struct Orders {
    #[resource]
    greeter: Greeter,
}

fn main() {}
