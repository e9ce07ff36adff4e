//! Where the boxes of a diagram stand and where its lines run: in columns, with few crossings and short lines.
//!
//! The classic four steps: a column for each node, a place within long lines for every column they pass, an order
//! within the columns, and heights. Works on numbers only; sizes and colours are the drawing's.

/// How many stopovers of lines are laid out; more of them are drawn straight instead.
const MOST_STOPOVERS: usize = 4_000;

/// How often the order within the columns is improved.
const SWEEPS: usize = 12;

/// The room a line takes beside others, in boxes.
const LINE: f64 = 0.4;

/// Places of nodes and courses of lines; columns count from 0, heights are in boxes.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) columns: usize,
    pub(super) height: f64,
    /// Column and height of each node.
    pub(super) places: Vec<(usize, f64)>,
    /// The points of each edge, from its beginning to its end.
    pub(super) courses: Vec<Vec<(usize, f64)>>,
}

/// A node, or a stopover of a line.
struct Spot {
    column: usize,
    is_line: bool,
    before: Vec<usize>,
    after: Vec<usize>,
}

/// Lays out `nodes` nodes; an edge goes from what is first to what waits for it.
pub(super) fn lay_out(nodes: usize, edges: &[(usize, usize)]) -> Layout {
    let columns = columns(nodes, edges);
    let count = columns.iter().max().map_or(0, |last| last + 1);
    let mut spots: Vec<Spot> =
        columns.iter().map(|&column| Spot { column, is_line: false, before: Vec::new(), after: Vec::new() }).collect();
    let routes = route(edges, &mut spots);
    let order = order(count, &spots);
    let heights = heights(&spots, &order);
    let bottom = heights.iter().copied().fold(0.0, f64::max);
    let place = |&spot: &usize| (spots[spot].column, heights[spot]);
    Layout {
        columns: count,
        height: if nodes == 0 { 0.0 } else { bottom + 1.0 },
        places: (0..nodes).map(|node| place(&node)).collect(),
        courses: routes.iter().map(|route| route.iter().map(place).collect()).collect(),
    }
}

/// The column of each node: one after the last of what it waits for. Nodes of a cycle stay in the first one.
fn columns(nodes: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut waiting = vec![0; nodes];
    let mut dependents = vec![Vec::new(); nodes];
    for &(from, to) in edges {
        waiting[to] += 1;
        dependents[from].push(to);
    }
    let mut columns = vec![0; nodes];
    let mut ready: Vec<usize> = (0..nodes).filter(|&node| waiting[node] == 0).collect();
    while let Some(node) = ready.pop() {
        for &next in &dependents[node] {
            columns[next] = columns[next].max(columns[node] + 1);
            waiting[next] -= 1;
            if waiting[next] == 0 {
                ready.push(next);
            }
        }
    }
    columns
}

/// The spots that each edge visits; adds a stopover for every column between its ends.
fn route(edges: &[(usize, usize)], spots: &mut Vec<Spot>) -> Vec<Vec<usize>> {
    let gap = |&(from, to): &(usize, usize), spots: &[Spot]| spots[to].column.saturating_sub(spots[from].column + 1);
    let stopovers: usize = edges.iter().map(|edge| gap(edge, spots)).sum();
    let mut routes = Vec::with_capacity(edges.len());
    for edge @ &(from, to) in edges {
        let mut route = vec![from];
        if stopovers <= MOST_STOPOVERS {
            let first = spots[from].column + 1;
            for column in first..first + gap(edge, spots) {
                route.push(spots.len());
                spots.push(Spot { column, is_line: true, before: Vec::new(), after: Vec::new() });
            }
        }
        route.push(to);
        for pair in route.windows(2) {
            spots[pair[0]].after.push(pair[1]);
            spots[pair[1]].before.push(pair[0]);
        }
        routes.push(route);
    }
    routes
}

/// The spots of each column from top to bottom, so that few lines cross.
fn order(columns: usize, spots: &[Spot]) -> Vec<Vec<usize>> {
    let mut order = vec![Vec::new(); columns];
    for (spot, Spot { column, .. }) in spots.iter().enumerate() {
        order[*column].push(spot);
    }
    let mut best = (crossings(spots, &order), order.clone());
    for sweep in 0..SWEEPS {
        if best.0 == 0 {
            break;
        }
        let mut ranks = ranks(spots.len(), &order);
        let is_forward = sweep % 2 == 0;
        for step in 0..columns {
            let column = if is_forward { step } else { columns - 1 - step };
            let middle = |&spot: &usize| {
                let neighbours = if is_forward { &spots[spot].before } else { &spots[spot].after };
                mean(neighbours.iter().map(|&neighbour| ranks[neighbour])).unwrap_or(ranks[spot])
            };
            let mut sorted: Vec<(f64, usize)> = order[column].iter().map(|spot| (middle(spot), *spot)).collect();
            sorted.sort_by(|one, other| one.0.total_cmp(&other.0));
            order[column] = sorted.into_iter().map(|(_, spot)| spot).collect();
            for (rank, &spot) in order[column].iter().enumerate() {
                ranks[spot] = rank as f64;
            }
        }
        let found = crossings(spots, &order);
        if found < best.0 {
            best = (found, order.clone());
        }
    }
    best.1
}

fn ranks(spots: usize, order: &[Vec<usize>]) -> Vec<f64> {
    let mut ranks = vec![0.0; spots];
    for column in order {
        for (rank, &spot) in column.iter().enumerate() {
            ranks[spot] = rank as f64;
        }
    }
    ranks
}

/// How many pairs of lines cross between neighbouring columns.
fn crossings(spots: &[Spot], order: &[Vec<usize>]) -> usize {
    let ranks = ranks(spots.len(), order);
    let of_column = |column: &Vec<usize>| {
        // From top to bottom on the left; each pair that is the other way round on the right crosses.
        let ends = column.iter().flat_map(|&spot| {
            let mut ends: Vec<usize> = spots[spot].after.iter().map(|&after| ranks[after] as usize).collect();
            ends.sort_unstable();
            ends
        });
        inversions(ends.collect())
    };
    order.iter().map(of_column).sum()
}

/// How many pairs stand in the wrong order; a merge sort that counts.
fn inversions(mut numbers: Vec<usize>) -> usize {
    fn sort(numbers: &mut [usize], scratch: &mut Vec<usize>) -> usize {
        if numbers.len() < 2 {
            return 0;
        }
        let middle = numbers.len() / 2;
        let (left, right) = numbers.split_at_mut(middle);
        let mut count = sort(left, scratch) + sort(right, scratch);
        scratch.clear();
        let (mut at_left, mut at_right) = (0, 0);
        while at_left < left.len() || at_right < right.len() {
            let takes_left = at_right == right.len() || at_left < left.len() && left[at_left] <= right[at_right];
            if takes_left {
                scratch.push(left[at_left]);
                at_left += 1;
            } else {
                scratch.push(right[at_right]);
                at_right += 1;
                count += left.len() - at_left;
            }
        }
        numbers.copy_from_slice(scratch);
        count
    }
    sort(&mut numbers, &mut Vec::new())
}

/// The height of each spot: near its neighbours, in the order of its column, without touching.
fn heights(spots: &[Spot], order: &[Vec<usize>]) -> Vec<f64> {
    let mut heights = vec![0.0; spots.len()];
    for column in order {
        for (&spot, offset) in column.iter().zip(offsets(spots, column)) {
            heights[spot] = offset;
        }
    }
    for round in 0..SWEEPS {
        let columns: Box<dyn Iterator<Item = &Vec<usize>>> =
            if round % 2 == 0 { Box::new(order.iter()) } else { Box::new(order.iter().rev()) };
        for column in columns {
            let wanted = column.iter().map(|&spot| {
                let neighbours = spots[spot].before.iter().chain(&spots[spot].after);
                mean(neighbours.map(|&neighbour| heights[neighbour])).unwrap_or(heights[spot])
            });
            let offsets = offsets(spots, column);
            let wanted: Vec<f64> = wanted.zip(&offsets).map(|(wanted, offset)| wanted - offset).collect();
            for ((&spot, height), offset) in column.iter().zip(ascending(&wanted)).zip(offsets) {
                heights[spot] = height + offset;
            }
        }
    }
    let top = heights.iter().copied().fold(f64::INFINITY, f64::min);
    heights.iter().map(|height| height - top).collect()
}

/// The heights of a column whose spots are as near to each other as they may be.
fn offsets(spots: &[Spot], column: &[usize]) -> Vec<f64> {
    let half = |spot: usize| if spots[spot].is_line { LINE / 2.0 } else { 0.5 };
    let mut offsets = Vec::with_capacity(column.len());
    for (at, &spot) in column.iter().enumerate() {
        let offset = match at.checked_sub(1) {
            None => 0.0,
            Some(above) => offsets[above] + half(column[above]) + half(spot),
        };
        offsets.push(offset);
    }
    offsets
}

/// The numbers nearest to `wanted` that never descend: neighbours in the wrong order meet in their middle.
fn ascending(wanted: &[f64]) -> Vec<f64> {
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for &number in wanted {
        let (mut sum, mut count) = (number, 1);
        while let Some(&(before, members)) = blocks.last()
            && before / members as f64 > sum / count as f64
        {
            blocks.pop();
            sum += before;
            count += members;
        }
        blocks.push((sum, count));
    }
    blocks.iter().flat_map(|&(sum, count)| std::iter::repeat_n(sum / count as f64, count)).collect()
}

fn mean(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = numbers.fold((0.0, 0_u32), |(sum, count), number| (sum + number, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_waves_of_the_start() {
        let layout = lay_out(4, &[(0, 2), (1, 2), (2, 3), (0, 3)]);
        let columns: Vec<usize> = layout.places.iter().map(|place| place.0).collect();
        assert_eq!(columns, [0, 0, 1, 2]);
        assert_eq!(layout.columns, 3);
    }

    #[test]
    fn a_chain_is_a_straight_line_and_boxes_never_touch() {
        let layout = lay_out(3, &[(0, 1), (1, 2)]);
        assert!(layout.places.iter().all(|place| place.1 == 0.0));
        let fan: Vec<(usize, usize)> = (1..20).map(|leaf| (0, leaf)).collect();
        let mut heights: Vec<f64> = lay_out(20, &fan).places[1..].iter().map(|place| place.1).collect();
        heights.sort_by(f64::total_cmp);
        assert!(heights.windows(2).all(|pair| pair[1] - pair[0] > 0.999), "{heights:?}");
    }

    #[test]
    fn lines_are_uncrossed_where_they_can_be() {
        // Two pairs, written so that they cross at first.
        let layout = lay_out(4, &[(0, 3), (1, 2)]);
        let (above, below) = (layout.places[0].1 < layout.places[1].1, layout.places[3].1 < layout.places[2].1);
        assert_eq!(above, below);
    }

    #[test]
    fn a_long_line_goes_around_what_is_between() {
        let layout = lay_out(3, &[(0, 1), (1, 2), (0, 2)]);
        let course = &layout.courses[2];
        assert_eq!(course.len(), 3);
        assert!((course[1].1 - layout.places[1].1).abs() > 0.5);
    }

    #[test]
    fn inversions_are_counted() {
        assert_eq!(inversions(vec![3, 1, 2, 2, 0]), 7);
        assert_eq!(inversions(vec![1, 1, 2]), 0);
    }

    #[test]
    fn a_circle_and_ten_thousand_nodes_are_laid_out_too() {
        assert_eq!(lay_out(2, &[(0, 1), (1, 0)]).columns, 1);
        let chain: Vec<(usize, usize)> = (1..10_000).map(|at| (at - 1, at)).chain([(0, 9_999)]).collect();
        assert_eq!(lay_out(10_000, &chain).columns, 10_000);
    }
}
