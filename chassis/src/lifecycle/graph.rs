//! Which resource waits for which. Pure: the engine does the waiting.

use std::{collections::HashMap, fmt};

/// The resources of a service and the edges between them, checked: every name exists and nothing waits for itself.
#[derive(Debug, Clone)]
pub struct Graph {
    names: Vec<&'static str>,
    /// What each one is started after.
    dependencies: Vec<Vec<usize>>,
    /// What is started after each one.
    dependents: Vec<Vec<usize>>,
}

/// Why a graph cannot be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GraphError {
    /// An `after` names no resource.
    Unknown {
        /// Whose `after` it is.
        resource: &'static str,
        /// The name that nothing has.
        after: String,
    },
    /// Two resources have one name.
    Duplicate(&'static str),
    /// Resources wait for each other, in this order; the first is also the last.
    Cycle(Vec<&'static str>),
}

impl Graph {
    /// Builds the graph of `(name, after)` pairs.
    ///
    /// # Errors
    /// When a name is unknown or given twice, or resources wait for each other.
    pub fn new(nodes: &[(&'static str, Vec<&'static str>)]) -> Result<Self, GraphError> {
        let mut index = HashMap::with_capacity(nodes.len());
        for (at, (name, _)) in nodes.iter().enumerate() {
            if index.insert(*name, at).is_some() {
                return Err(GraphError::Duplicate(name));
            }
        }
        let mut dependencies = vec![Vec::new(); nodes.len()];
        let mut dependents = vec![Vec::new(); nodes.len()];
        for (at, (name, after)) in nodes.iter().enumerate() {
            for before in after {
                let &before_at = index
                    .get(before)
                    .ok_or_else(|| GraphError::Unknown { resource: name, after: (*before).to_owned() })?;
                // A dependency that is named twice is one edge.
                if !dependencies[at].contains(&before_at) {
                    dependencies[at].push(before_at);
                    dependents[before_at].push(at);
                }
            }
        }
        let graph = Self { names: nodes.iter().map(|(name, _)| *name).collect(), dependencies, dependents };
        match graph.find_cycle() {
            Some(cycle) => Err(GraphError::Cycle(cycle.into_iter().map(|at| graph.names[at]).collect())),
            None => Ok(graph),
        }
    }

    /// How many resources there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no resource.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The name of resource `at`.
    pub fn name(&self, at: usize) -> &'static str {
        self.names[at]
    }

    /// What resource `at` is started after.
    pub fn dependencies(&self, at: usize) -> &[usize] {
        &self.dependencies[at]
    }

    /// What is started after resource `at`.
    pub fn dependents(&self, at: usize) -> &[usize] {
        &self.dependents[at]
    }

    /// All resources, each after what it is started after.
    pub fn in_order(&self) -> Vec<usize> {
        let mut walk = Walk::new(self, false, vec![true; self.len()]);
        let mut order = Vec::with_capacity(self.len());
        loop {
            let ready = walk.take_ready();
            if ready.is_empty() {
                return order;
            }
            ready.iter().for_each(|&at| walk.done(at));
            order.extend(ready);
        }
    }

    /// Resource `at` and everything that is started after it, directly or not, in index order.
    pub fn with_dependents(&self, at: usize) -> Vec<usize> {
        let mut is_in = vec![false; self.len()];
        let mut open = vec![at];
        while let Some(at) = open.pop() {
            if !std::mem::replace(&mut is_in[at], true) {
                open.extend(&self.dependents[at]);
            }
        }
        (0..self.len()).filter(|&at| is_in[at]).collect()
    }

    /// The indices of one cycle, if there is any; found by a depth-first search without recursion.
    fn find_cycle(&self) -> Option<Vec<usize>> {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            Open,
            Done,
        }
        let mut marks = vec![Mark::New; self.len()];
        for root in 0..self.len() {
            if marks[root] != Mark::New {
                continue;
            }
            // The path from the root, each with the number of edges already followed.
            let mut path = vec![(root, 0)];
            marks[root] = Mark::Open;
            while let Some(top) = path.last_mut() {
                let at = top.0;
                let Some(&next) = self.dependencies[at].get(top.1) else {
                    marks[at] = Mark::Done;
                    path.pop();
                    continue;
                };
                top.1 += 1;
                match marks[next] {
                    Mark::Done => {}
                    Mark::New => {
                        marks[next] = Mark::Open;
                        path.push((next, 0));
                    }
                    Mark::Open => {
                        let mut cycle: Vec<usize> =
                            path.iter().map(|&(at, _)| at).skip_while(|&at| at != next).collect();
                        cycle.push(next);
                        return Some(cycle);
                    }
                }
            }
        }
        None
    }
}

/// One walk over a graph: says what may begin next, dependencies first or dependents first.
#[derive(Debug)]
pub struct Walk<'a> {
    graph: &'a Graph,
    is_reverse: bool,
    /// How many of its predecessors each one still waits for.
    waiting: Vec<usize>,
    is_selected: Vec<bool>,
    ready: Vec<usize>,
}

impl<'a> Walk<'a> {
    /// A walk over the selected resources; the others count as done.
    pub fn new(graph: &'a Graph, is_reverse: bool, is_selected: Vec<bool>) -> Self {
        let mut walk = Self { graph, is_reverse, waiting: vec![0; graph.len()], is_selected, ready: Vec::new() };
        for at in 0..graph.len() {
            if walk.is_selected[at] {
                walk.waiting[at] = walk.before(at).iter().filter(|&&before| walk.is_selected[before]).count();
                if walk.waiting[at] == 0 {
                    walk.ready.push(at);
                }
            }
        }
        walk
    }

    /// What may begin now; each is given once.
    pub fn take_ready(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.ready)
    }

    /// Says that `at` is done; what waited only for it becomes ready. What waits for one that is never done never
    /// becomes ready.
    pub fn done(&mut self, at: usize) {
        let graph = self.graph;
        let next = if self.is_reverse { graph.dependencies(at) } else { graph.dependents(at) };
        for &next in next {
            if self.is_selected[next] {
                self.waiting[next] -= 1;
                if self.waiting[next] == 0 {
                    self.ready.push(next);
                }
            }
        }
    }

    fn before(&self, at: usize) -> &'a [usize] {
        if self.is_reverse { self.graph.dependents(at) } else { self.graph.dependencies(at) }
    }
}

impl fmt::Display for GraphError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GraphError::Unknown { resource, after } => {
                write!(f, "resource `{resource}` is to start after `{after}`, but no resource has that name")
            }
            GraphError::Duplicate(name) => write!(f, "two resources are called `{name}`"),
            GraphError::Cycle(names) => write!(f, "resources depend on each other: {}", names.join(" -> ")),
        }
    }
}

impl std::error::Error for GraphError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(nodes: &[(&'static str, &[&'static str])]) -> Result<Graph, GraphError> {
        let nodes: Vec<_> = nodes.iter().map(|(name, after)| (*name, after.to_vec())).collect();
        Graph::new(&nodes)
    }

    fn order(graph: &Graph, is_reverse: bool) -> Vec<&'static str> {
        let mut walk = Walk::new(graph, is_reverse, vec![true; graph.len()]);
        let mut order = Vec::new();
        loop {
            let ready = walk.take_ready();
            if ready.is_empty() {
                return order;
            }
            for at in ready {
                order.push(graph.name(at));
                walk.done(at);
            }
        }
    }

    #[test]
    fn dependencies_come_first_and_last_in_reverse() {
        let graph = graph(&[("http", &["db", "broker"]), ("db", &[]), ("broker", &["db"])]).unwrap();
        assert_eq!(order(&graph, false), ["db", "broker", "http"]);
        assert_eq!(order(&graph, true), ["http", "broker", "db"]);
    }

    #[test]
    fn a_cycle_is_told_as_a_path() {
        let error = graph(&[("http", &["orders_db"]), ("orders_db", &["http"]), ("x", &[])]).unwrap_err();
        assert_eq!(error.to_string(), "resources depend on each other: http -> orders_db -> http");
        let error = graph(&[("a", &["a"])]).unwrap_err();
        assert_eq!(error, GraphError::Cycle(vec!["a", "a"]));
    }

    #[test]
    fn unknown_and_doubled_names_are_refused() {
        assert!(matches!(graph(&[("a", &["b"])]), Err(GraphError::Unknown { resource: "a", .. })));
        assert_eq!(graph(&[("a", &[]), ("a", &[])]).unwrap_err(), GraphError::Duplicate("a"));
    }

    #[test]
    fn what_waits_for_something_that_is_never_done_is_never_ready() {
        let graph = graph(&[("db", &[]), ("http", &["db"]), ("other", &[])]).unwrap();
        let mut walk = Walk::new(&graph, false, vec![true; 3]);
        assert_eq!(walk.take_ready(), [0, 2]);
        walk.done(2);
        assert!(walk.take_ready().is_empty());
    }

    #[test]
    fn a_walk_over_a_selection_ignores_the_rest() {
        let graph = graph(&[("db", &[]), ("http", &["db"]), ("top", &["http"])]).unwrap();
        assert_eq!(graph.with_dependents(1), [1, 2]);
        let mut walk = Walk::new(&graph, false, vec![false, true, true]);
        assert_eq!(walk.take_ready(), [1]);
        walk.done(1);
        assert_eq!(walk.take_ready(), [2]);
    }

    #[test]
    fn ten_thousand_in_a_chain_need_no_recursion() {
        let names: Vec<&'static str> = (0..10_000).map(|i| &*format!("r{i}").leak()).collect();
        let nodes: Vec<_> = names
            .iter()
            .enumerate()
            .map(|(i, name)| (*name, if i == 0 { vec![] } else { vec![names[i - 1]] }))
            .collect();
        assert_eq!(order(&Graph::new(&nodes).unwrap(), true).first(), names.last());
    }
}
