use chassis::prelude::*;

#[derive(Default)]
struct Greeter;
impl Resource for Greeter {
    type Settings = ();
}

#[microservice]
struct Orders {
    #[resource]
    broker: Greeter,
    #[resource(after = postgres)]
    http: Greeter,
}

fn main() {}
