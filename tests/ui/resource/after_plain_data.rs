use chassis::prelude::*;

#[derive(Default)]
struct Greeter;
impl Resource for Greeter {
    type Settings = ();
}

#[microservice]
struct Orders {
    plain: u32,
    #[resource(after = [plain])]
    http: Greeter,
}

fn main() {}
