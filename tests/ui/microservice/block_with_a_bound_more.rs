use chassis::prelude::*;

#[derive(Default)]
struct Postgres;
impl Resource for Postgres {
    type Settings = ();
}

#[microservice]
struct Orders<D: Resource + Default = Postgres> {
    #[resource]
    db: D,
}

#[microservice]
impl<D: Resource + Default + Clone> Orders<D> {
    #[task]
    async fn work(&self) {}
}

fn main() -> std::process::ExitCode {
    Orders::run()
}
