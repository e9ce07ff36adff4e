//! Memory of about the right size for a body that is going to be written.

use std::cell::Cell;

/// No more than this is asked for ahead.
const MOST: usize = 64 << 10;

thread_local! {
    /// How long the last body was.
    static LAST: Cell<usize> = const { Cell::new(0) };
}

/// Lengths are rounded up to this: two messages of a kind are hardly ever of quite the same length.
const STEP: usize = 64;

/// Writes a body. What a thread writes is often about as long as what it wrote before, so that it need not grow.
pub(super) fn sized<E>(write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<Vec<u8>, E> {
    let mut body = Vec::with_capacity((LAST.get() + 1).next_multiple_of(STEP).min(MOST));
    write(&mut body)?;
    LAST.set(body.len());
    // A body may wait for long.
    if body.capacity() / 2 > body.len() {
        body.shrink_to_fit();
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn written(bytes: usize) -> Vec<u8> {
        sized(|body| {
            body.resize(bytes, 7);
            Ok::<(), ()>(())
        })
        .unwrap()
    }

    #[test]
    fn a_body_takes_no_more_than_twice_its_bytes_whatever_came_before_it() {
        for bytes in [1_000, 1_010, 5, 0, 1 << 20, 100, 90] {
            let body = written(bytes);
            assert_eq!(body.len(), bytes);
            assert!(body.capacity() <= 2 * bytes + 1, "{} for {bytes}", body.capacity());
        }
        assert!(written(100).capacity() < 200, "it was the size of the one before");
    }
}
