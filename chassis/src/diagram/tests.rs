#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;

fn orders() -> Diagram {
    let mut diagram = Diagram::new("orders");
    diagram.add(
        Node::new("db").about("Where orders are kept.").critical(true).condition(State::Started, HealthStatus::Pass),
    );
    diagram.add(Node::new("broker").condition(State::Failed, HealthStatus::Fail));
    diagram.add(Node::new("http").after(["db", "broker", "nobody"]).condition(State::Started, HealthStatus::Warn));
    diagram
}

#[test]
fn graphviz_gets_nodes_and_edges_in_the_order_of_the_start() {
    let dot = orders().to_dot();
    assert!(dot.starts_with("digraph \"orders\" {"), "{dot}");
    assert!(dot.contains("\"db\" -> \"http\";\n    \"broker\" -> \"http\";\n}"), "{dot}");
    assert!(dot.contains("\"broker\" [label = \"broker\\nFAILED, fail\", color = \"#a40e26\""), "{dot}");
    assert!(!dot.contains("nobody"), "{dot}");
}

#[test]
fn mermaid_gets_numbers_because_names_may_mean_something() {
    let mut diagram = Diagram::new("orders");
    diagram.add(Node::new("end"));
    diagram.add(Node::new("a\"<b>").after(["end"]));
    assert_eq!(diagram.to_mermaid(), "flowchart LR\n    r0[\"end\"]\n    r1[\"a#quot;#lt;b#gt;\"]\n    r0 --> r1\n");
}

#[test]
fn json_has_states_and_numbers() {
    let json = orders().to_json();
    assert_eq!(json["nodes"][0]["status"], 2);
    assert_eq!(json["nodes"][1]["state"], "FAILED");
    assert_eq!(json["edges"], serde_json::json!([{"from": "db", "to": "http"}, {"from": "broker", "to": "http"}]));
}

#[test]
fn the_picture_says_states_in_words_and_escapes_everything() {
    let mut diagram = orders();
    diagram.add(Node::new("<script>").about("a & \"b\"\u{7}"));
    let svg = diagram.to_svg();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
    for expected in [">STARTED</text>", ">FAILED, fail</text>", "&lt;script&gt;", "a &amp; &quot;b&quot;\u{fffd}"] {
        assert!(svg.contains(expected), "{expected}: {svg}");
    }
    assert!(!svg.contains("<script"), "{svg}");
    assert_eq!(svg.matches("marker-end").count(), 2);
}

#[test]
fn nothing_is_a_picture_too() {
    assert!(Diagram::new("").to_svg().contains("no resources"));
}
