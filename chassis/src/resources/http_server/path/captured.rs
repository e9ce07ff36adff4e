//! Where the captures of a path stand.

use std::sync::Arc;

/// The most captures whose places are kept; a path with more goes through axum's router.
pub(super) const MOST: usize = 4;

/// The names of the captures of a route, in its order.
pub(in super::super) type Names = Arc<[Box<str>]>;

/// The places of a path's captures in its text.
///
/// Places, because the text itself moves with the request. A path is at most 64 KiB long, so sixteen bits are enough.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Captured {
    places: [(u16, u16); MOST],
    count: u8,
}

impl Captured {
    /// Notes the places of what the table has found in `path`; `None` when there are too many.
    pub(in super::super) fn new(path: &str, found: &matchit::Params<'_, '_>) -> Option<Self> {
        let mut captured = Self { places: [(0, 0); MOST], count: 0 };
        for (_, value) in found.iter() {
            // Each value is a piece of the path, so the distance of the two is its place.
            let start = value.as_ptr().addr().checked_sub(path.as_ptr().addr())?;
            let place = captured.places.get_mut(usize::from(captured.count))?;
            *place = (u16::try_from(start).ok()?, u16::try_from(start + value.len()).ok()?);
            captured.count += 1;
        }
        Some(captured)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        usize::from(self.count)
    }

    /// The text of each, as it came.
    pub(super) fn values<'a>(&self, path: &'a str) -> impl Iterator<Item = &'a str> {
        let places = self.places.into_iter().take(self.count());
        places.map(|(start, end)| path.get(usize::from(start)..usize::from(end)).unwrap_or_default())
    }
}

/// The names in the path of a route, in order.
pub(in super::super) fn names(path: &str) -> Vec<String> {
    // Doubled braces stand for themselves.
    let path = path.replace("{{", "").replace("}}", "");
    let inside = |part: &str| Some(part.split_once('}')?.0.trim_start_matches('*').to_owned());
    path.split('{').skip(1).filter_map(inside).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values<'a>(route: &str, path: &'a str) -> Option<Vec<&'a str>> {
        let mut router = matchit::Router::new();
        assert_eq!(router.insert(route, ()), Ok(()));
        let found = router.at(path).unwrap_or_else(|_| panic!("{route} does not match {path}"));
        assert_eq!(found.params.len(), names(route).len());
        Some(Captured::new(path, &found.params)?.values(path).collect())
    }

    #[test]
    fn each_place_has_its_text() {
        assert_eq!(values("/a/{b}/{c}", "/a/x%20y/z"), Some(vec!["x%20y", "z"]));
        assert_eq!(values("/files/{*rest}", "/files/a/b"), Some(vec!["a/b"]));
        assert_eq!(values("/plain", "/plain"), Some(vec![]));
        assert_eq!(values("/{{not}}/{name}", "/{not}/x"), Some(vec!["x"]));
    }

    #[test]
    fn more_than_a_few_are_left_to_axum() {
        assert_eq!(values("/{a}/{b}/{c}/{d}", "/1/2/3/4"), Some(vec!["1", "2", "3", "4"]));
        assert_eq!(values("/{a}/{b}/{c}/{d}/{e}", "/1/2/3/4/5"), None);
    }
}
