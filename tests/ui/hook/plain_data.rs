use chassis::prelude::*;

#[microservice]
struct Orders {
    db: u32,
}

#[microservice]
impl Orders {
    #[after(start, db)]
    async fn migrate(&self) {}
}

fn main() {}
