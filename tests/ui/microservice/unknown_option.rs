use chassis::prelude::*;

#[microservice(nmae = "orders")]
struct Orders;

fn main() {}
