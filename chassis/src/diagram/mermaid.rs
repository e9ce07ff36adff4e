//! A diagram in the language of Mermaid.

use std::fmt::Write;

use super::Diagram;

pub(super) fn write(diagram: &Diagram) -> String {
    let mut out = "flowchart LR\n".to_owned();
    for (at, node) in diagram.nodes.iter().enumerate() {
        let label = match node.word() {
            Some(word) => format!("{}<br>{}", escaped(&node.name), escaped(&word)),
            None => escaped(&node.name),
        };
        // Numbers, because words such as `end` mean something to Mermaid. Writing into memory cannot fail.
        let _ = writeln!(out, "    r{at}[\"{label}\"]");
        if node.condition.is_some() {
            let (border, inside) = node.colours();
            let _ = writeln!(out, "    style r{at} fill:{inside},stroke:{border}");
        }
    }
    for (from, to) in diagram.edge_indices() {
        let _ = writeln!(out, "    r{from} --> r{to}");
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('#', "#35;").replace('"', "#quot;").replace('<', "#lt;").replace('>', "#gt;").replace('\n', " ")
}
