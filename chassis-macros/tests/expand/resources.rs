/// Prices orders and remembers them.
///
/// Everything that can be said about it is said here.
#[microservice(name = "orders")]
struct Orders {
    /// Where orders are kept.
    #[resource]
    db: Postgres,
    #[resource(critical)]
    broker: Amqp,
    #[resource(after = [db, broker])]
    #[init(Mailer::new("orders@example.org"))]
    mailer: Mailer,
}
