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
    #[resource(after = [brokr])]
    http: Greeter,
}

fn main() {}
