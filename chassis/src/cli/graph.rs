//! `graph`: the resources and what each is started after.

use super::{arguments::GraphFormat, tell};
use crate::{
    Blueprint, Microservice,
    diagram::{Diagram, Node},
};

/// Prints the graph; the exit code.
pub(super) fn graph<S: Microservice>(format: GraphFormat) -> u8 {
    let mut diagram = Diagram::new(S::NAME);
    for spec in Blueprint::<S>::of().resources {
        let after = spec.after.iter().copied();
        diagram.add(Node::new(spec.name).about(spec.about).after(after).critical(spec.is_critical));
    }
    tell(&match format {
        GraphFormat::Dot => diagram.to_dot(),
        GraphFormat::Svg => diagram.to_svg(),
        GraphFormat::Mermaid => diagram.to_mermaid(),
    });
    0
}
