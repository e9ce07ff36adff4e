use chassis::prelude::*;

#[microservice]
struct Orders<'a> {
    name: &'a str,
}

fn main() {}
