use chassis::prelude::*;

#[microservice(name = "order-service")]
struct Orders;

fn main() {}
