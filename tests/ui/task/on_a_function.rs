use chassis::prelude::*;

#[task]
async fn reconcile() {}

fn main() {}
