use chassis::prelude::*;

#[microservice]
enum Orders {
    Open,
}

fn main() {}
