#[microservice]
impl Orders {
    #[task_timer(interval = "1s")]
    async fn tick(&self) {}

    /// Sweeps what nobody wants any more.
    #[task_timer(cron = "0 3 * * *", timezone = "Europe/Berlin")]
    pub async fn sweep(&self) -> Result<()> {
        Ok(())
    }

    #[task_timer(interval = "1m", immediate, leader)]
    async fn bill(&self) {}

    #[task_timer(interval = 1500, one_shot, immediate, autostart = false, overlap = "queue", jitter = "100ms")]
    async fn everything(&self, cx: Context) {}
}
