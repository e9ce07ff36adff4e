use chassis::prelude::*;

#[microservice(part = routes)]
struct Orders;

fn main() {}
