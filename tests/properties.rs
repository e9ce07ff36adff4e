//! What holds for every graph, and for every series of failures.

use std::{collections::BTreeSet, time::Duration};

use chassis::{
    lifecycle::{Graph, GraphError, Walk},
    supervision::{Backoff, Intensity, RestartLog},
};
use proptest::prelude::*;

/// Names that live as long as the program, for any number of resources.
fn name(at: usize) -> &'static str {
    const NAMES: [&str; 24] = [
        "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u", "v",
        "w", "x",
    ];
    NAMES[at]
}

/// Any edges between up to 24 resources, cycles included.
fn edges() -> impl Strategy<Value = (usize, BTreeSet<(usize, usize)>)> {
    (1..24_usize).prop_flat_map(|count| (Just(count), prop::collection::btree_set((0..count, 0..count), 0..40)))
}

fn graph(count: usize, edges: &BTreeSet<(usize, usize)>) -> Result<Graph, GraphError> {
    let after = |at| edges.iter().filter(move |(from, _)| *from == at).map(|(_, to)| name(*to)).collect();
    Graph::new(&(0..count).map(|at| (name(at), after(at))).collect::<Vec<_>>())
}

/// Whether `from` reaches itself, by brute force.
fn has_cycle(count: usize, edges: &BTreeSet<(usize, usize)>) -> bool {
    let mut reach: Vec<BTreeSet<usize>> =
        (0..count).map(|at| edges.iter().filter(|(from, _)| *from == at).map(|(_, to)| *to).collect()).collect();
    for _ in 0..count {
        for at in 0..count {
            let further: BTreeSet<usize> = reach[at].iter().flat_map(|&next| reach[next].clone()).collect();
            reach[at].extend(further);
        }
    }
    (0..count).any(|at| reach[at].contains(&at))
}

proptest! {
    #[test]
    fn a_graph_is_refused_exactly_when_something_waits_for_itself((count, edges) in edges()) {
        match graph(count, &edges) {
            Ok(_) => prop_assert!(!has_cycle(count, &edges)),
            Err(GraphError::Cycle(path)) => {
                prop_assert_eq!(path.first(), path.last());
                let at = |name: &str| usize::from(name.as_bytes()[0] - b'a');
                for pair in path.windows(2) {
                    prop_assert!(edges.contains(&(at(pair[0]), at(pair[1]))), "{:?} is no edge", pair);
                }
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn a_walk_reaches_all_in_order_whatever_ends_first((count, edges) in edges(), reverse: bool, order: u64) {
        let Ok(graph) = graph(count, &edges) else { return Ok(()) };
        let mut walk = Walk::new(&graph, reverse, vec![true; count]);
        let (mut open, mut done, mut random) = (Vec::new(), Vec::new(), order);
        loop {
            open.extend(walk.take_ready());
            if open.is_empty() {
                break;
            }
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = open.swap_remove((random >> 33) as usize % open.len());
            let before = if reverse { graph.dependents(at) } else { graph.dependencies(at) };
            prop_assert!(before.iter().all(|before| done.contains(before)));
            walk.done(at);
            done.push(at);
        }
        prop_assert_eq!(done.len(), count);
    }

    #[test]
    fn a_restart_is_allowed_only_within_the_intensity(
        restarts in 0..8_u32,
        within in 1..100_u64,
        gaps in prop::collection::vec(0..50_u64, 1..60),
    ) {
        let (mut log, intensity) = (RestartLog::default(), Intensity { restarts, within: Duration::from_secs(within) });
        let (mut now, mut allowed): (u64, Vec<u64>) = (0, Vec::new());
        for gap in gaps {
            now += gap;
            let recent = allowed.iter().filter(|&&at| now - at < within).count();
            let is_allowed = log.allows(Duration::from_secs(now), intensity);
            prop_assert_eq!(is_allowed, recent < restarts as usize);
            if is_allowed {
                allowed.push(now);
            }
        }
    }

    #[test]
    fn a_backoff_never_shrinks_and_never_leaves_its_bounds(min in 0..10_000_u64, max in 0..100_000_u64, count in 1..80) {
        let (min, max) = (Duration::from_millis(min), Duration::from_millis(max).max(Duration::from_millis(min)));
        let mut backoff = Backoff::new(min, max);
        let mut before = Duration::ZERO;
        for _ in 0..count {
            let delay = backoff.failed();
            prop_assert!(delay >= before && delay >= min && delay <= max);
            before = delay;
        }
    }
}
