//! What the measured route answers with.

use serde::Serialize;

/// What the measured route answers with.
#[derive(Debug, Clone, Serialize)]
pub struct Order {
    id: u32,
    customer: String,
    currency: &'static str,
    lines: Vec<Line>,
    total: u64,
}

#[derive(Debug, Clone, Serialize)]
struct Line {
    article: String,
    pieces: u32,
    price: u64,
}

impl Order {
    /// An order as a small handler would make it: a few allocations, some 200 bytes of JSON.
    pub fn sample(id: u32) -> Self {
        let line = |article: &str, pieces| Line { article: article.to_owned(), pieces, price: 1999 };
        let lines = vec![line("paper A4", 5), line("pencil HB", 12), line("eraser", id % 7)];
        let total = lines.iter().map(|line| u64::from(line.pieces) * line.price).sum();
        Order { id, customer: format!("customer-{}", id % 1000), currency: "EUR", lines, total }
    }
}
