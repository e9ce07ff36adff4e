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
}

#[microservice]
impl Orders {
    #[after(start, bd)]
    async fn migrate(&self) {}
}

fn main() {}
