//! Paths of routes, read as the router reads them.

/// What is wrong with a path, if anything; the rules are those of axum 0.8.
pub(crate) fn check(path: &str) -> Result<(), String> {
    if !path.starts_with('/') {
        return Err(format!("a route begins with `/`: write `\"/{}\"`", path.trim_start_matches('/')));
    }
    if path.contains(['?', '#']) {
        return Err("a route is a path only; take the query as an argument: `Query(query): Query<…>`".to_owned());
    }
    if let Some(odd) = path.chars().find(|c| c.is_whitespace() || c.is_control()) {
        return Err(format!("a path cannot hold {odd:?}"));
    }
    let mut names: Vec<String> = Vec::new();
    let mut segments = path[1..].split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        let Some(capture) = capture_of(segment)? else { continue };
        let name = match capture.name.strip_prefix('*') {
            Some(name) if !is_last => {
                return Err(format!("`{{*{name}}}` takes all the rest of the path, so nothing can follow it"));
            }
            Some(name) => name,
            None => &capture.name,
        };
        if name.is_empty() {
            return Err(format!("the capture in `{segment}` has no name: write `{{id}}`"));
        }
        if name.contains('*') {
            return Err(format!("`*` cannot be in the name of a capture, as it is in `{segment}`"));
        }
        if names.iter().any(|seen| seen == name) {
            return Err(format!("`{{{name}}}` is captured twice"));
        }
        names.push(name.to_owned());
    }
    Ok(())
}

/// Whether the router can hold both paths: it cannot tell them apart when they capture the same segment differently.
pub(crate) fn is_conflict(one: &str, other: &str) -> bool {
    if one == other {
        return false;
    }
    let mut segments = (one.split('/'), other.split('/'));
    loop {
        match (segments.0.next(), segments.1.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) => match (capture_of(one), capture_of(other)) {
                (Ok(Some(one)), Ok(Some(other))) if one.prefix == other.prefix => {
                    if one.name.starts_with('*') || other.name.starts_with('*') {
                        return true;
                    }
                }
                (Ok(None), Ok(None)) if one == other => {}
                _ => return false,
            },
            _ => return false,
        }
    }
}

struct Capture {
    /// What stands before it in its segment.
    prefix: String,
    name: String,
}

/// The capture in a segment; `{{` and `}}` stand for the braces themselves.
fn capture_of(segment: &str) -> Result<Option<Capture>, String> {
    if let Some(name) = segment.strip_prefix(':') {
        return Err(format!("a capture is written `{{{name}}}`, not `:{name}`"));
    }
    if let Some(name) = segment.strip_prefix('*') {
        return Err(format!("the rest of a path is captured by `{{*{name}}}`, not `*{name}`"));
    }
    let mut characters = segment.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let is_doubled = characters.peek().is_some_and(|(_, next)| *next == character);
        match character {
            '{' | '}' if is_doubled => {
                characters.next();
            }
            '}' => return Err(format!("`}}` in `{segment}` closes nothing; the brace itself is written `}}}}`")),
            '{' => {
                let behind = &segment[at + 1..];
                let Some(end) = behind.find('}') else {
                    return Err(format!("`{{` in `{segment}` is not closed; the brace itself is written `{{{{`"));
                };
                if end + 1 < behind.len() {
                    return Err(format!(
                        "nothing can follow a capture in its segment: `{}` does in `{segment}`",
                        &behind[end + 1..]
                    ));
                }
                return Ok(Some(Capture { prefix: segment[..at].to_owned(), name: behind[..end].to_owned() }));
            }
            _ => {}
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_the_router_accepts() {
        for path in [
            "/",
            "/orders",
            "/orders/",
            "/orders/{id}",
            "/orders/{id}/lines/{line}",
            "/files/{*path}",
            "/v{version}",
            "/{{raw}}",
            "/a/b.json",
        ] {
            assert_eq!(check(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn refuses_what_the_router_refuses() {
        let wrong = [
            ("orders", "a route begins with `/`: write `\"/orders\"`"),
            ("", "a route begins with `/`: write `\"/\"`"),
            ("/orders/:id", "a capture is written `{id}`, not `:id`"),
            ("/files/*path", "the rest of a path is captured by `{*path}`, not `*path`"),
            ("/orders/{}", "the capture in `{}` has no name: write `{id}`"),
            ("/orders/{id", "`{` in `{id` is not closed; the brace itself is written `{{`"),
            ("/orders/id}", "`}` in `id}` closes nothing; the brace itself is written `}}`"),
            ("/{a}-{b}", "nothing can follow a capture in its segment: `-{b}` does in `{a}-{b}`"),
            ("/{*rest}/x", "`{*rest}` takes all the rest of the path, so nothing can follow it"),
            ("/{a}/{a}", "`{a}` is captured twice"),
            ("/orders?page=1", "a route is a path only; take the query as an argument: `Query(query): Query<…>`"),
            ("/two words", "a path cannot hold ' '"),
        ];
        for (path, message) in wrong {
            assert_eq!(check(path), Err(message.to_owned()), "{path}");
        }
    }

    #[test]
    fn routes_that_differ_only_in_their_captures_are_in_conflict() {
        assert!(is_conflict("/orders/{id}", "/orders/{name}"));
        assert!(is_conflict("/orders/{id}/x", "/orders/{*rest}"));
        assert!(is_conflict("/{*one}", "/{*other}"));
        assert!(!is_conflict("/orders/{id}", "/orders/{id}"));
        assert!(!is_conflict("/orders/{id}", "/orders/new"));
        assert!(!is_conflict("/orders/{id}/a", "/orders/{name}/b"));
        assert!(!is_conflict("/v{a}", "/{b}"));
    }
}
