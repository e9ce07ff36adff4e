use chassis::prelude::*;

#[derive(Default)]
struct Greeter;
impl Resource for Greeter {
    type Settings = ();
}

#[microservice]
struct Orders {
    #[resource]
    db: Greeter,
    #[resource(after = ["db"])]
    http: Greeter,
}

fn main() {}
