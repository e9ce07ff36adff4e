use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task]
    async fn reconcile(&self) {
        let seen = std::rc::Rc::new(7);
        std::future::ready(()).await;
        drop(seen);
    }
}

fn main() {}
