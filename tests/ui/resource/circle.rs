use chassis::prelude::*;

#[derive(Default)]
struct Greeter;
impl Resource for Greeter {
    type Settings = ();
}

#[microservice]
struct Orders {
    #[resource(after = [http])]
    db: Greeter,
    #[resource(after = [db])]
    broker: Greeter,
    #[resource(after = [broker])]
    http: Greeter,
}

fn main() {}
