#[microservice]
struct Orders {
    #[cfg(feature = "postgres")]
    #[resource]
    db: Postgres,
    #[cfg(not(feature = "postgres"))]
    #[resource]
    db: Memory,
    #[cfg(feature = "mail")]
    #[resource]
    mailer: Mailer,
    #[resource(after = [db, mailer])]
    broker: Amqp,
    #[cfg(test)]
    seen: Vec<u32>,
}

#[microservice]
impl Orders {
    #[cfg(feature = "mail")]
    #[task_timer(interval = "1h")]
    async fn remind(&self) {}

    #[cfg(unix)]
    #[on(broker, subscribe("orders"))]
    async fn on_order(&self, order: Order) {}
}

#[microservice]
struct Gateway {
    #[cfg(unix)]
    #[resource]
    http: HttpServer,
    #[cfg(not(unix))]
    #[resource]
    http: HttpServer,
}
