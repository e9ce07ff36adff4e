//! A diagram in the language of Graphviz.

use std::fmt::Write;

use super::Diagram;

pub(super) fn write(diagram: &Diagram) -> String {
    let mut out = format!(
        "digraph {} {{\n    rankdir = LR;\n    node [shape = box, style = \"rounded,filled\", fontname = \"sans-serif\"];\n",
        quoted(&diagram.title)
    );
    for node in &diagram.nodes {
        let (border, inside) = node.colours();
        let label = match node.word() {
            Some(word) => format!("{}\n{word}", node.name),
            None => node.name.clone(),
        };
        // Writing into memory cannot fail.
        let _ = write!(
            out,
            "    {} [label = {}, color = \"{border}\", fillcolor = \"{inside}\"",
            quoted(&node.name),
            quoted(&label)
        );
        if !node.about.is_empty() {
            let _ = write!(out, ", tooltip = {}", quoted(&node.about));
        }
        if node.is_critical {
            out.push_str(", penwidth = 2");
        }
        out.push_str("];\n");
    }
    for (from, to) in diagram.edges() {
        let _ = writeln!(out, "    {} -> {};", quoted(&from.name), quoted(&to.name));
    }
    out.push_str("}\n");
    out
}

fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\r', "").replace('\n', "\\n");
    format!("\"{escaped}\"")
}
