use chassis::prelude::*;

trait Store: Resource + Default {
    async fn sweep(&self);
}

#[microservice]
struct Orders<S: Store> {
    #[resource]
    store: S,
}

#[microservice]
impl<S: Store> Orders<S> {
    #[task]
    async fn sweep(&self) {
        self.store.sweep().await;
    }
}

fn main() {}
