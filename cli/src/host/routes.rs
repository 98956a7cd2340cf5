//! Which component answers a path: exact routes before wildcards, longer before shorter.

use std::fmt;

/// A route as the manifest writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// `/x`: this path and no other.
    Exact(String),
    /// `/x/...`: `/x` and everything below it. The text is `/x`, empty for `/...`.
    Below(String),
}

impl Pattern {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') {
            return Err(format!("route `{text}` must begin with `/`"));
        }
        if text.split('/').any(|segment| segment.starts_with(':')) {
            return Err(format!(
                "route `{text}` is not supported: single-segment wildcards (`:name`)"
            ));
        }
        if let Some(prefix) = text.strip_suffix("/...") {
            if prefix.contains("...") {
                return Err(format!("route `{text}`: `...` must be the last segment"));
            }
            return Ok(Self::Below(prefix.to_owned()));
        }
        if text.contains("...") {
            return Err(format!("route `{text}`: `...` must be the last segment"));
        }
        Ok(Self::Exact(text.to_owned()))
    }

    /// The rest of the path below the route, if the route matches.
    fn matches<'p>(&self, path: &'p str) -> Option<&'p str> {
        match self {
            // `/x/` is `/x`, as in Spin.
            Self::Exact(route) => {
                (path == route || path.strip_suffix('/') == Some(route)).then_some("")
            }
            Self::Below(prefix) => {
                let rest = path.strip_prefix(prefix.as_str())?;
                (rest.is_empty() || rest.starts_with('/')).then_some(rest)
            }
        }
    }

    /// The route without its wildcard.
    pub(crate) fn prefix(&self) -> &str {
        match self {
            Self::Exact(route) | Self::Below(route) => route,
        }
    }

    fn rank(&self) -> (usize, bool) {
        (self.prefix().len(), matches!(self, Self::Exact(_)))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(route) => f.write_str(route),
            Self::Below(prefix) => write!(f, "{prefix}/..."),
        }
    }
}

/// All routes of an application.
pub(crate) struct Routes<T>(Vec<(Pattern, T)>);

/// A route that matched.
pub(crate) struct Match<'r, 'p, T> {
    pub(crate) target: &'r T,
    /// What is left of the path below a wildcard.
    pub(crate) rest: &'p str,
}

impl<T> Routes<T> {
    pub(crate) fn new(mut routes: Vec<(Pattern, T)>) -> Self {
        routes.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.rank()));
        Self(routes)
    }

    pub(crate) fn find<'p>(&self, path: &'p str) -> Option<Match<'_, 'p, T>> {
        self.0
            .iter()
            .find_map(|(pattern, target)| pattern.matches(path).map(|rest| Match { target, rest }))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Pattern, T)> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Routes<&'static str> {
        let parse = |text: &str| Pattern::parse(text).unwrap();
        Routes::new(vec![
            (parse("/..."), "edge"),
            (parse("/_v/cart/..."), "cart"),
            (parse("/_v/b"), "beacon"),
        ])
    }

    #[test]
    fn the_longest_route_wins() {
        let routes = routes();
        for (path, expected) in [
            ("/", "edge"),
            ("/_v/b", "beacon"),
            ("/_v/b/", "beacon"),
            ("/_v/b/c", "edge"),
            ("/_v/cart", "cart"),
            ("/_v/cart/lines/1", "cart"),
            ("/_v/carts", "edge"),
        ] {
            assert_eq!(*routes.find(path).unwrap().target, expected, "{path}");
        }
    }

    #[test]
    fn a_wildcard_gives_the_rest_of_the_path() {
        assert_eq!(routes().find("/_v/cart/lines/1").unwrap().rest, "/lines/1");
    }

    #[test]
    fn a_route_that_is_not_supported_is_refused_by_name() {
        for text in ["x", "/a/:id", "/a/.../b", "/a..."] {
            assert!(Pattern::parse(text).unwrap_err().contains(text));
        }
    }
}
