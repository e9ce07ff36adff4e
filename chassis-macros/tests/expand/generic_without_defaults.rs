#[microservice]
pub(crate) struct Orders<D: Database> {
    #[resource]
    db: D,
}
