use chassis::prelude::*;

#[microservice(parts = [jobs, jobs])]
struct Orders;

#[microservice(part = jobs)]
impl Orders {}

fn main() {}
