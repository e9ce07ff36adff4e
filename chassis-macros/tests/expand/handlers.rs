#[microservice]
impl Mailer {
    #[on(queue, pull("emails"))]
    async fn send(&self, mail: Mail) -> Result<()> {
        Ok(())
    }

    #[on(queue, pull("reports").at_most(3))]
    async fn report(&self, Json(report): Json<Report>, attempt: Attempt, cx: Context) {}

    #[on(queue, every())]
    async fn count(self: Arc<Self>) {}
}
