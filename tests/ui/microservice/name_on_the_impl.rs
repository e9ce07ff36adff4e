use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice(name = "orders")]
impl Orders {}

fn main() {}
