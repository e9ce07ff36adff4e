use chassis::prelude::*;

#[microservice(parts = [routes, jobs])]
struct Orders;

#[microservice(part = jobs)]
impl Orders {}

fn main() {}
