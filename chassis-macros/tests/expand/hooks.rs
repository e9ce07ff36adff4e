#[microservice]
impl Orders {
    #[after(start, db)]
    async fn migrate(&self) -> Result<()> {
        Ok(())
    }

    #[before(stop)]
    async fn say_goodbye(&self, cx: Context) {}

    #[before(open)]
    #[task_timer(interval = "1m")]
    async fn refresh(&self) -> Result<()> {
        Ok(())
    }
}
