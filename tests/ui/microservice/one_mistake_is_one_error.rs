use chassis::prelude::*;

#[microservice]
struct Orders {
    #[resource(aftr = [broker])]
    db: Greeter,
    #[resource]
    broker: Greeter,
}

#[derive(Default)]
struct Greeter;
impl Resource for Greeter {
    type Settings = ();
}

#[microservice]
impl Orders {
    #[after(start, db)]
    async fn migrate(&self) {}

    #[task_timer(interval = "1s")]
    async fn tick(&self, cx: Context) {
        cx.timer(Self::TICK).stop();
    }
}

fn main() -> std::process::ExitCode {
    Orders::run()
}
