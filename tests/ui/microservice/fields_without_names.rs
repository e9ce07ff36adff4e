use chassis::prelude::*;

#[microservice]
struct Orders(u32);

fn main() -> std::process::ExitCode {
    Orders::run()
}
