#[microservice]
impl Orders {
    #[thread]
    fn crunch(&self, stop: Shutdown) {}

    #[thread]
    fn owned(self: Arc<Self>) -> Result<()> {
        Ok(())
    }

    #[thread]
    async fn alone(&self, cx: Context) {}
}
