//! Pictures of what a service is made of: which resource waits for which, and how each one is.
//!
//! Pure: a list of nodes in, text out. The status server shows them, and so does `orders graph`.

mod dot;
mod layout;
mod mermaid;
mod svg;

use serde_json::{Value, json};

use crate::resource::{HealthStatus, State};

/// The resources of a service and what each is started after, ready to be drawn.
///
/// ```
/// use chassis::diagram::{Diagram, Node};
///
/// let mut diagram = Diagram::new("orders");
/// diagram.add(Node::new("db"));
/// diagram.add(Node::new("http").after(["db"]));
/// assert!(diagram.to_dot().contains("\"db\" -> \"http\""));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Diagram {
    title: String,
    nodes: Vec<Node>,
}

/// One resource of a [`Diagram`].
#[derive(Debug, Clone)]
pub struct Node {
    name: String,
    about: String,
    after: Vec<String>,
    is_critical: bool,
    condition: Option<(State, HealthStatus)>,
}

impl Diagram {
    /// An empty one; the title is the service's name.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), nodes: Vec::new() }
    }

    /// Adds a resource.
    pub fn add(&mut self, node: Node) {
        self.nodes.push(node);
    }

    /// As a picture that needs nothing else: columns are started from left to right.
    pub fn to_svg(&self) -> String {
        svg::draw(self)
    }

    /// In the language of Graphviz.
    pub fn to_dot(&self) -> String {
        dot::write(self)
    }

    /// In the language of Mermaid, which many viewers of Markdown draw.
    pub fn to_mermaid(&self) -> String {
        mermaid::write(self)
    }

    /// As data: nodes, and edges in the order of the start.
    pub fn to_json(&self) -> Value {
        let node = |node: &Node| {
            let mut value = json!({ "name": node.name, "about": node.about, "critical": node.is_critical });
            if let (Some((state, health)), Value::Object(members)) = (node.condition, &mut value) {
                members.insert("status".to_owned(), json!(state as u8));
                members.insert("state".to_owned(), json!(state.as_str()));
                members.insert("health".to_owned(), json!(health.as_str()));
            }
            value
        };
        let edge = |(from, to): (&Node, &Node)| json!({ "from": from.name, "to": to.name });
        json!({
            "service": self.title,
            "nodes": self.nodes.iter().map(node).collect::<Vec<_>>(),
            "edges": self.edges().map(edge).collect::<Vec<_>>(),
        })
    }

    /// What is started first, and what waits for it. Names that nothing has are left out.
    fn edges(&self) -> impl Iterator<Item = (&Node, &Node)> {
        self.edge_indices().map(|(from, to)| (&self.nodes[from], &self.nodes[to]))
    }

    fn edge_indices(&self) -> impl Iterator<Item = (usize, usize)> {
        let index: std::collections::HashMap<_, _> =
            self.nodes.iter().enumerate().map(|(at, node)| (node.name.as_str(), at)).collect();
        let edges = self.nodes.iter().enumerate().flat_map(move |(to, node)| {
            let known = node.after.iter().filter_map(|name| index.get(name.as_str()).copied());
            known.filter(|&from| from != to).map(|from| (from, to)).collect::<Vec<_>>()
        });
        edges.collect::<std::collections::BTreeSet<_>>().into_iter()
    }
}

impl Node {
    /// A resource of that name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), about: String::new(), after: Vec::new(), is_critical: false, condition: None }
    }

    /// What it is for.
    #[must_use]
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }

    /// What it is started after.
    #[must_use]
    pub fn after<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.after.extend(names.into_iter().map(Into::into));
        self
    }

    /// That the service is not ready without it.
    #[must_use]
    pub fn critical(mut self, is_critical: bool) -> Self {
        self.is_critical = is_critical;
        self
    }

    /// How it is now.
    #[must_use]
    pub fn condition(mut self, state: State, health: HealthStatus) -> Self {
        self.condition = Some((state, health));
        self
    }

    /// The word for how it is, if that is known.
    fn word(&self) -> Option<String> {
        let (state, health) = self.condition?;
        Some(match health {
            HealthStatus::Pass => state.to_string(),
            HealthStatus::Warn | HealthStatus::Fail => format!("{state}, {health}"),
        })
    }

    /// The colours of its border and its inside; the word beside them says the same.
    fn colours(&self) -> (&'static str, &'static str) {
        match self.condition {
            None => ("#57606a", "#f6f8fa"),
            Some((State::Failed, _)) | Some((State::Started, HealthStatus::Fail)) => ("#a40e26", "#ffd8d3"),
            Some((State::Started, HealthStatus::Warn)) | Some((State::Connecting, _)) => ("#7d4e00", "#fff3c4"),
            Some((State::Started, HealthStatus::Pass)) => ("#116329", "#d2f4d9"),
            Some((State::Stopping, _)) => ("#0a3069", "#dbeafe"),
            Some((State::NotStarted | State::Stopped, _)) => ("#57606a", "#e7ebef"),
        }
    }
}

/// Text inside of XML and HTML.
pub(crate) fn escape_markup(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // XML has no way to write them.
            char if char.is_control() && char != '\n' && char != '\t' => escaped.push('\u{fffd}'),
            char => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
