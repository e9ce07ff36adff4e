use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice(part = jobs)]
impl Orders {
    #[task]
    async fn work(&self) {}
}

fn main() -> std::process::ExitCode {
    Orders::run()
}
