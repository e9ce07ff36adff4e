#[microservice]
pub struct Orders<D: Database = Postgres, const SHARDS: usize = 4>
where
    D: Clone,
{
    #[resource]
    db: D,
}

#[microservice]
impl<D: Database, const SHARDS: usize> Orders<D, SHARDS>
where
    D: Clone,
{
    #[task]
    async fn reconcile(&self) {}
}
