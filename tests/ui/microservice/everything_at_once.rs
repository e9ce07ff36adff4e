use chassis::prelude::*;

#[microservice(name = "Orders", unknown = 3)]
struct Orders {
    #[resource(after = [brokr, http])]
    db: Greeter,
    #[resource]
    broker: Greeter,
    #[resource(after = [db])]
    http: Greeter,
    #[resource]
    status: Greeter,
    #[setting]
    logging: u32,
    since: std::time::Instant,
}

#[derive(Default)]
struct Greeter;
impl Resource for Greeter {
    type Settings = ();
}

#[microservice]
impl Orders {
    #[task(restart = "sometimes")]
    async fn a(&self) {}

    #[task]
    fn b(&self) {}

    #[task_timer]
    async fn c(&self) {}

    #[before(strat)]
    async fn d(&self) {}

    #[task]
    async fn e(&self, _order: u32) {}
}

fn main() -> std::process::ExitCode {
    Orders::run()
}
