//! A diagram as a picture in SVG.

use std::fmt::Write;

use super::{Diagram, Node, escape_markup, layout::lay_out};

const MARGIN: f64 = 16.0;
const BOX_HEIGHT: f64 = 44.0;
/// From the top of one box to the top of the next.
const ROW: f64 = 64.0;
/// Between two columns.
const GAP: f64 = 72.0;
/// Room for letters: the widest common ones of the font sizes below.
const LETTER: f64 = 8.4;
const SMALL_LETTER: f64 = 6.6;

pub(super) fn draw(diagram: &Diagram) -> String {
    let edges: Vec<(usize, usize)> = diagram.edge_indices().collect();
    let layout = lay_out(diagram.nodes.len(), &edges);
    let mut widths = vec![80.0_f64; layout.columns];
    for (node, (column, _)) in diagram.nodes.iter().zip(&layout.places) {
        widths[*column] = widths[*column].max(width(node));
    }
    let lefts: Vec<f64> = widths
        .iter()
        .scan(MARGIN, |left, width| {
            let this = *left;
            *left += width + GAP;
            Some(this)
        })
        .collect();
    let total = (widths.iter().sum::<f64>() + GAP * layout.columns.saturating_sub(1) as f64 + 2.0 * MARGIN).max(120.0);
    let height = (layout.height * ROW - (ROW - BOX_HEIGHT) + 2.0 * MARGIN).max(BOX_HEIGHT);
    let middle = |row: f64| MARGIN + row * ROW + BOX_HEIGHT / 2.0;

    let title = escape_markup(&diagram.title);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{total:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {total:.0} {height:.0}\" role=\"img\" aria-label=\"resources of {title}\" \
         font-family=\"system-ui, sans-serif\">\n<title>resources of {title}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
         orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#57606a\"/></marker></defs>\n"
    );
    for course in &layout.courses {
        let points: Vec<(f64, f64, f64)> =
            course.iter().map(|&(column, row)| (lefts[column], lefts[column] + widths[column], middle(row))).collect();
        // Writing into memory cannot fail, here and below.
        let _ = writeln!(
            out,
            "<path d=\"{}\" fill=\"none\" stroke=\"#57606a\" marker-end=\"url(#arrow)\"/>",
            curve(&points)
        );
    }
    for (node, &(column, row)) in diagram.nodes.iter().zip(&layout.places) {
        draw_node(node, lefts[column], middle(row), widths[column], &mut out);
    }
    if diagram.nodes.is_empty() {
        let _ = writeln!(
            out,
            "<text x=\"{MARGIN}\" y=\"{}\" font-size=\"12\" fill=\"#57606a\">no resources</text>",
            BOX_HEIGHT / 2.0
        );
    }
    out.push_str("</svg>\n");
    out
}

fn width(node: &Node) -> f64 {
    let name = node.name.chars().count() as f64 * LETTER;
    let word = node.word().map_or(0.0, |word| word.chars().count() as f64 * SMALL_LETTER);
    name.max(word) + 24.0
}

/// A line from the right of its first point to the left of its last, through those between.
fn curve(points: &[(f64, f64, f64)]) -> String {
    let mut path = String::new();
    let last = points.len().saturating_sub(1);
    for (at, &(left, right, y)) in points.iter().enumerate() {
        let _ = match at {
            0 => write!(path, "M{right:.1} {y:.1}"),
            _ => {
                let (_, from, before) = points[at - 1];
                let bend = (left - from) / 2.0;
                write!(path, "C{:.1} {before:.1} {:.1} {y:.1} {left:.1} {y:.1}", from + bend, left - bend)
            }
        };
        if at != 0 && at != last {
            let _ = write!(path, "H{right:.1}");
        }
    }
    path
}

fn draw_node(node: &Node, left: f64, middle: f64, width: f64, out: &mut String) {
    let (border, inside) = node.colours();
    let (top, centre) = (middle - BOX_HEIGHT / 2.0, left + width / 2.0);
    let (thickness, name) = (if node.is_critical { 2.5 } else { 1.2 }, escape_markup(&node.name));
    let _ = write!(
        out,
        "<g><rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{BOX_HEIGHT}\" rx=\"6\" \
         fill=\"{inside}\" stroke=\"{border}\" stroke-width=\"{thickness}\"/>"
    );
    let critical = if node.is_critical { " (critical)" } else { "" };
    let about = escape_markup(&node.about);
    let _ = match about.as_str() {
        "" => write!(out, "<title>{name}{critical}</title>"),
        about => write!(out, "<title>{name}{critical}: {about}</title>"),
    };
    let word = node.word();
    let baseline = middle + if word.is_some() { -3.0 } else { 5.0 };
    let _ = write!(
        out,
        "<text x=\"{centre:.1}\" y=\"{baseline:.1}\" font-size=\"14\" text-anchor=\"middle\" fill=\"#1f2328\">{name}</text>"
    );
    if let Some(word) = word {
        let _ = write!(
            out,
            "<text x=\"{centre:.1}\" y=\"{:.1}\" font-size=\"11\" text-anchor=\"middle\" fill=\"{border}\">{}</text>",
            middle + 14.0,
            escape_markup(&word)
        );
    }
    out.push_str("</g>\n");
}
