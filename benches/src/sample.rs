//! Figures with their spread, and the table they are printed in.

use std::fmt;

/// Figures of one thing, measured again and again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples {
    values: Vec<f64>,
}

impl Samples {
    /// Adds one figure.
    pub(crate) fn push(&mut self, value: f64) {
        self.values.push(value);
    }

    /// This divided by that, round by round: what a round had to share with other programs, both shared.
    pub(crate) fn ratio(&self, other: &Samples) -> Samples {
        let pairs = self.values.iter().zip(&other.values);
        pairs.map(|(own, other)| own / other).collect()
    }

    /// This less that, round by round.
    pub(crate) fn difference(&self, other: &Samples) -> Samples {
        self.values.iter().zip(&other.values).map(|(own, other)| own - other).collect()
    }

    /// The smallest, the middle and the largest figure.
    pub(crate) fn spread(&self) -> (f64, f64, f64) {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        (at(0), at(sorted.len() / 2), at(sorted.len().saturating_sub(1)))
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Samples { values: values.into_iter().collect() }
    }
}

/// What a figure is held against.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// The median must not be below.
    AtLeast(f64),
    /// The median must not be above.
    AtMost(f64),
    /// Reported only.
    None,
}

impl Target {
    fn is_met(self, value: f64) -> bool {
        match self {
            Target::AtLeast(limit) => value >= limit,
            Target::AtMost(limit) => value <= limit,
            Target::None => true,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::AtLeast(limit) => write!(f, "≥ {limit}"),
            Target::AtMost(limit) => write!(f, "≤ {limit}"),
            Target::None => write!(f, "–"),
        }
    }
}

/// Prints the title of a group of rows.
pub(crate) fn title(text: &str) {
    println!("\n{text}");
    println!("{:<58} {:>10} {:>10} {:>10}  {:<10}", "", "min", "median", "max", "target");
}

/// Prints one row; `missed` stands where the target is not met.
pub(crate) fn row(what: &str, samples: &Samples, target: Target) {
    let (min, median, max) = samples.spread();
    let missed = if target.is_met(median) { "" } else { "missed" };
    let figure = |value: f64| {
        let digits = if value.abs() >= 1000.0 {
            0
        } else if value.abs() >= 100.0 {
            1
        } else {
            3
        };
        format!("{value:.digits$}")
    };
    println!(
        "{what:<58} {:>10} {:>10} {:>10}  {:<10} {missed}",
        figure(min),
        figure(median),
        figure(max),
        target.to_string()
    );
}
