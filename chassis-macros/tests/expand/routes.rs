#[microservice]
impl Orders {
    /// Finds an order.
    #[get("/orders/{id}", timeout = "5s", cache = "10s", cache_by = ["accept-language"])]
    async fn order(&self, Path(id): Path<Uuid>) -> Result<Json<Order>, Problem> {
        todo!()
    }

    #[post("/orders", body_limit = "1MiB", status = 201)]
    async fn place(&self, headers: HeaderMap, Json(new): Json<NewOrder>, stop: Shutdown) -> Result<Created<Order>> {
        todo!()
    }

    #[get(admin, "/version", never_shed)]
    async fn version(&self) -> &'static str {
        "1"
    }

    #[any("/echo", cancel_on_disconnect)]
    async fn echo(&self, request: Request) -> impl IntoResponse {
        request
    }
}
