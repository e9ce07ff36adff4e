#[microservice(parts = [routes, jobs], args = MyArgs<u32>)]
struct Orders {}

#[microservice(part = routes)]
impl Orders {
    #[get("/")]
    async fn home(&self) {}
}

#[microservice(part = jobs)]
impl Orders {
    #[task]
    async fn work(&self) {}
}

#[microservice]
impl Orders {
    fn helper(&self) {}
}
