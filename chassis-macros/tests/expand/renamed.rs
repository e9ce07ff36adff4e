#[microservice(crate = crate::runtime)]
struct Orders {
    #[resource]
    db: Postgres,
}

#[microservice(crate = crate::runtime)]
impl Orders {
    #[task_timer(interval = "1s")]
    async fn tick(&self) {}
}
