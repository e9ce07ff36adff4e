#[microservice]
impl Mailer {
    /// Sends an e-mail.
    #[pull(broker, "emails", concurrency = 8, retries = 5, min_delay = "1s", by_key, codec = MessagePack)]
    async fn send(&self, mail: Message<Email>) -> Result<()> {
        Ok(())
    }

    #[subscribe(broker, "orders.placed", group = "billing")]
    async fn placed(&self, order: Order, cx: Context) {}

    #[reply(broker, PRICE)]
    async fn price(self: Arc<Self>, quote: Quote) -> Result<Price> {
        Ok(Price)
    }
}
