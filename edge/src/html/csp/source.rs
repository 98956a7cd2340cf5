//! Source expressions: which addresses they cover.

use url::Url;

/// Whether one source expression covers a URL.
pub(super) fn source_matches(source: &str, url: &Url, page: &Url) -> bool {
    if source == "*" {
        return matches!(url.scheme(), "http" | "https" | "ws" | "wss")
            || url.scheme() == page.scheme();
    }
    if source.eq_ignore_ascii_case("'self'") {
        return url.origin() == page.origin()
            || (url.host() == page.host() && page.scheme() == "http" && url.scheme() == "https");
    }
    if source.starts_with('\'') {
        return false;
    }
    if let Some(scheme) = source.strip_suffix(':') {
        return scheme_matches(scheme, url.scheme());
    }
    let (scheme, rest) = match source.split_once("://") {
        Some((scheme, rest)) => (scheme, rest),
        None => (page.scheme(), source),
    };
    if !scheme_matches(scheme, url.scheme()) {
        return false;
    }
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    host_matches(host, url.host_str().unwrap_or_default())
        && port_matches(port, url)
        && path_matches(path, url.path())
}

fn scheme_matches(allowed: &str, actual: &str) -> bool {
    allowed.eq_ignore_ascii_case(actual)
        || (allowed.eq_ignore_ascii_case("http") && actual == "https")
}

fn host_matches(pattern: &str, host: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    match pattern.strip_prefix("*.") {
        Some(suffix) => host
            .len()
            .checked_sub(suffix.len())
            .filter(|cut| *cut > 1)
            .is_some_and(|cut| {
                host.is_char_boundary(cut)
                    && host[cut..].eq_ignore_ascii_case(suffix)
                    && host[..cut].ends_with('.')
            }),
        None => pattern.eq_ignore_ascii_case(host),
    }
}

fn port_matches(port: Option<&str>, url: &Url) -> bool {
    match port {
        Some("*") => true,
        Some(port) => url
            .port_or_known_default()
            .is_some_and(|p| port == p.to_string()),
        None => url.port().is_none(),
    }
}

fn path_matches(pattern: &str, path: &str) -> bool {
    match pattern {
        "" | "/" => true,
        _ if pattern.ends_with('/') => path.starts_with(pattern),
        _ => path == pattern,
    }
}
