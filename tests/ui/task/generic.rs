use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task]
    async fn reconcile<T: Default>(&self) {
        drop(T::default());
    }
}

fn main() {}
