use chassis::prelude::*;

#[microservice]
struct Orders;

#[microservice]
impl Orders {
    #[task_timer(interval = "1s")]
    async fn tick(&self, cx: Context) {
        cx.timer(Self::TOCK).stop();
    }
}

fn main() {}
