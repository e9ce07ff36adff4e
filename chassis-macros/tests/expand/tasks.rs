#[microservice]
impl Orders {
    #[task]
    async fn once(&self) {}

    #[task(restart = "on-failure", on_give_up = "degrade")]
    async fn reconcile(&self, stop: Shutdown) -> Result<()> {
        Ok(())
    }

    #[task(stop_when_done)]
    async fn main(self: Arc<Self>, cx: Context) -> Result<()> {
        Ok(())
    }

    #[task(leader)]
    async fn bill(&self, cx: Context) -> Result<()> {
        Ok(())
    }

    fn returns_a_future(&self) {}

    #[task(restart = "always")]
    fn forever(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}
