//! Start and stop of services with many resources.

use std::error::Error;

use crate::{
    program,
    sample::{Samples, Target, row, title},
};

const SIZES: [u32; 4] = [10, 100, 1_000, 10_000];

/// Prints the rows about starting and stopping many resources.
///
/// # Errors
///
/// When a program does not work.
pub(crate) fn measure(rounds: u32) -> Result<(), Box<dyn Error>> {
    title(&format!("start and stop of many resources, {rounds} rounds"));
    for shape in ["chain", "fan", "random"] {
        let mut per_part = Vec::new();
        for size in SIZES {
            let (mut start, mut stop, mut each) = (Samples::default(), Samples::default(), Samples::default());
            for _ in 0..rounds {
                let [edges, started, stopped, used] =
                    program::figures("chassis_resources", &[shape, &size.to_string()], &[])?;
                start.push(started);
                stop.push(stopped);
                each.push(used * 1e3 / (f64::from(size) + edges));
            }
            row(&format!("{shape} of {size}: start, ms"), &start, Target::None);
            row(&format!("{shape} of {size}: stop, ms"), &stop, Target::None);
            row(&format!("{shape} of {size}: CPU µs per resource and edge"), &each, Target::None);
            per_part.push(each);
        }
        // Small services pay for what every service has; from a thousand on, linear means that this stays.
        if let [.., thousand, ten_thousand] = &per_part[..] {
            row(
                &format!("{shape}: CPU µs per part, 10,000 / 1,000"),
                &ten_thousand.ratio(thousand),
                Target::AtMost(1.5),
            );
        }
    }
    Ok(())
}
