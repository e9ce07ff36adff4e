//! How long messages rest before another attempt: in steps, for each of which a queue is needed.
//!
//! Pure arithmetic.

use std::time::Duration;

/// What a step begins with; a step is at most half as long again as the one before.
const STEPS: [u64; 7] = [10, 15, 20, 30, 40, 60, 80];

/// The longest step that is not longer than a time, in milliseconds; 10 ms at least.
pub(super) fn step(time: Duration) -> u32 {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).min(u64::from(u32::MAX / 2));
    let mut factor = 1;
    while STEPS[0] * factor * 10 <= millis {
        factor *= 10;
    }
    let step = STEPS.iter().map(|step| step * factor).take_while(|step| *step <= millis).last();
    step.and_then(|step| u32::try_from(step).ok()).unwrap_or(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_near_the_time_and_never_longer() {
        for (millis, expected) in
            [(0, 10), (9, 10), (10, 10), (14, 10), (99, 80), (100, 100), (119, 100), (30_000, 30_000)]
        {
            assert_eq!(step(Duration::from_millis(millis)), expected, "{millis} ms");
        }
        for millis in 10..100_000_u32 {
            let step = step(Duration::from_millis(millis.into()));
            assert!(step <= millis && millis - step <= step / 2 + 1, "{millis} ms: {step}");
        }
        assert!(step(Duration::MAX) > 1_000_000_000);
    }
}
