//! Content security policy, as far as what we insert must satisfy it. Nothing here loosens a policy.

use http::{HeaderMap, HeaderName};
use url::Url;

/// Every policy of a page. All apply: a thing is allowed when each allows it.
#[derive(Debug, Default, Clone)]
pub(super) struct Csp {
    policies: Vec<Policy>,
}

/// Whether a page's policies let us insert something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Allowed,
    /// Allowed when the element carries this nonce.
    WithNonce(String),
    Blocked(&'static str),
}

#[derive(Debug, Clone)]
struct Policy {
    /// Lower-case name and sources of each directive. The first of a name counts.
    directives: Vec<(String, Vec<String>)>,
}

impl Csp {
    /// Reads the policies that a response has under one header name.
    pub(super) fn from_headers(headers: &HeaderMap, name: &HeaderName) -> Self {
        let mut csp = Self::default();
        for value in headers.get_all(name) {
            csp.add(&String::from_utf8_lossy(value.as_bytes()));
        }
        csp
    }

    /// Adds the policies of one header value or of one `<meta>`.
    pub(super) fn add(&mut self, serialized: &str) {
        self.policies
            .extend(serialized.split(',').filter_map(Policy::parse));
    }

    /// An external script at `url`, inserted by us into the page at `page`.
    pub(super) fn external_script(&self, url: &Url, page: &Url) -> Verdict {
        self.judge(|policy| {
            let Some(sources) = policy.script_sources() else {
                return Verdict::Allowed;
            };
            let nonce = sources.nonce();
            if !sources.has("'strict-dynamic'") && sources.match_url(url, page) {
                Verdict::Allowed
            } else if let Some(nonce) = nonce {
                Verdict::WithNonce(nonce.to_owned())
            } else if sources.has("'strict-dynamic'") {
                Verdict::Blocked("the page's CSP has strict-dynamic and no nonce")
            } else {
                Verdict::Blocked("the page's CSP does not allow the script")
            }
        })
    }

    /// An inline script, inserted by us.
    pub(super) fn inline_script(&self) -> Verdict {
        self.judge(|policy| {
            let Some(sources) = policy.script_sources() else {
                return Verdict::Allowed;
            };
            if let Some(nonce) = sources.nonce() {
                Verdict::WithNonce(nonce.to_owned())
            } else if sources.has("'unsafe-inline'")
                && !sources.has("'strict-dynamic'")
                && !sources.has_hash()
            {
                Verdict::Allowed
            } else {
                Verdict::Blocked("the page's CSP does not allow inline scripts")
            }
        })
    }

    /// A style element, inserted by us.
    pub(super) fn inline_style(&self) -> Verdict {
        self.judge(|policy| {
            let Some(sources) = policy.style_sources() else {
                return Verdict::Allowed;
            };
            if let Some(nonce) = sources.nonce() {
                Verdict::WithNonce(nonce.to_owned())
            } else if sources.has("'unsafe-inline'") && !sources.has_hash() {
                Verdict::Allowed
            } else {
                Verdict::Blocked("the page's CSP does not allow inline styles")
            }
        })
    }

    /// A style sheet at `url`, linked by us.
    pub(super) fn style_sheet(&self, url: &Url, page: &Url) -> Verdict {
        self.judge(|policy| {
            let Some(sources) = policy.style_sources() else {
                return Verdict::Allowed;
            };
            if sources.match_url(url, page) {
                Verdict::Allowed
            } else if let Some(nonce) = sources.nonce() {
                Verdict::WithNonce(nonce.to_owned())
            } else {
                Verdict::Blocked("the page's CSP does not allow the style sheet")
            }
        })
    }

    /// Whether the page may load an image from `url`.
    pub(super) fn loads_image(&self, url: &Url, page: &Url) -> bool {
        self.policies.iter().all(|policy| {
            policy
                .sources(&["img-src", "default-src"])
                .is_none_or(|sources| sources.match_url(url, page))
        })
    }

    /// Whether the page may connect to `url` (beacons, fetch).
    pub(super) fn connects(&self, url: &Url, page: &Url) -> bool {
        self.policies.iter().all(|policy| {
            policy
                .sources(&["connect-src", "default-src"])
                .is_none_or(|sources| sources.match_url(url, page))
        })
    }

    /// Whether scripts may only set URLs through trusted types.
    pub(super) fn wants_trusted_types(&self) -> bool {
        self.policies
            .iter()
            .any(|policy| policy.sources(&["require-trusted-types-for"]).is_some())
    }

    fn judge(&self, one: impl Fn(&Policy) -> Verdict) -> Verdict {
        let mut all = Verdict::Allowed;
        for policy in &self.policies {
            if policy.sandboxes_scripts() {
                return Verdict::Blocked("the page's CSP is a sandbox without scripts");
            }
            match (one(policy), &all) {
                (Verdict::Allowed, _) => {}
                (Verdict::WithNonce(nonce), Verdict::WithNonce(other)) if nonce != *other => {
                    return Verdict::Blocked("the page's policies want two different nonces");
                }
                (verdict @ Verdict::WithNonce(_), _) => all = verdict,
                (blocked @ Verdict::Blocked(_), _) => return blocked,
            }
        }
        all
    }
}

impl Policy {
    fn parse(serialized: &str) -> Option<Self> {
        let mut directives: Vec<(String, Vec<String>)> = Vec::new();
        for directive in serialized.split(';') {
            let mut words = directive.split_ascii_whitespace();
            let Some(name) = words.next().map(str::to_ascii_lowercase) else {
                continue;
            };
            if !directives.iter().any(|(seen, _)| *seen == name) {
                directives.push((name, words.map(str::to_owned).collect()));
            }
        }
        (!directives.is_empty()).then_some(Self { directives })
    }

    /// The first of these directives that the policy has: the fallback chain of the specification.
    fn sources(&self, names: &[&str]) -> Option<Sources<'_>> {
        names.iter().find_map(|name| {
            self.directives
                .iter()
                .find(|(seen, _)| seen == name)
                .map(|(_, sources)| Sources(sources))
        })
    }

    fn script_sources(&self) -> Option<Sources<'_>> {
        self.sources(&["script-src-elem", "script-src", "default-src"])
    }

    fn style_sources(&self) -> Option<Sources<'_>> {
        self.sources(&["style-src-elem", "style-src", "default-src"])
    }

    fn sandboxes_scripts(&self) -> bool {
        self.sources(&["sandbox"])
            .is_some_and(|flags| !flags.has("allow-scripts"))
    }
}

#[derive(Clone, Copy)]
struct Sources<'a>(&'a [String]);

impl<'a> Sources<'a> {
    fn has(self, keyword: &str) -> bool {
        self.0.iter().any(|s| s.eq_ignore_ascii_case(keyword))
    }

    fn has_hash(self) -> bool {
        self.0.iter().any(|s| {
            let s = s.to_ascii_lowercase();
            s.starts_with("'sha256-") || s.starts_with("'sha384-") || s.starts_with("'sha512-")
        })
    }

    /// A nonce that can stand in an attribute as it is.
    fn nonce(self) -> Option<&'a str> {
        self.0.iter().find_map(|source| {
            let inner = source.strip_prefix('\'')?.strip_suffix('\'')?;
            let (name, value) = inner.split_at_checked(6)?;
            let is_base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/-_=".contains(&b);
            (name.eq_ignore_ascii_case("nonce-")
                && !value.is_empty()
                && value.bytes().all(is_base64))
            .then_some(value)
        })
    }

    fn match_url(self, url: &Url, page: &Url) -> bool {
        self.0
            .iter()
            .any(|source| source_matches(source, url, page))
    }
}

/// Whether one source expression covers a URL.
fn source_matches(source: &str, url: &Url, page: &Url) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn csp(policies: &[&str]) -> Csp {
        let mut csp = Csp::default();
        for policy in policies {
            csp.add(policy);
        }
        csp
    }

    fn external(policies: &[&str]) -> Verdict {
        let page = Url::parse("https://shop.example/p/1").unwrap();
        csp(policies).external_script(&page.join("/_v/rum/1.js").unwrap(), &page)
    }

    #[test]
    fn an_own_script_is_judged_as_a_browser_would() {
        let nonce = || Verdict::WithNonce("abc".into());
        let no = Verdict::Blocked("the page's CSP does not allow the script");
        for (policies, verdict) in [
            (&[][..], Verdict::Allowed),
            (&["default-src 'self'"], Verdict::Allowed),
            (&["default-src 'none'"], no.clone()),
            (
                &["default-src 'none'; script-src-elem 'self'"],
                Verdict::Allowed,
            ),
            (&["script-src 'self'; script-src 'none'"], Verdict::Allowed),
            (&["script-src https:"], Verdict::Allowed),
            (&["script-src shop.example"], Verdict::Allowed),
            (&["script-src *.example"], Verdict::Allowed),
            (&["script-src *.shop.example"], no.clone()),
            (&["script-src https://shop.example/_v/"], Verdict::Allowed),
            (&["script-src https://shop.example/js/"], no.clone()),
            (&["script-src https://shop.example:8443"], no.clone()),
            (&["script-src 'nonce-abc' 'strict-dynamic' 'self'"], nonce()),
            (
                &["script-src 'strict-dynamic' 'sha256-AAAA' 'self'"],
                Verdict::Blocked("the page's CSP has strict-dynamic and no nonce"),
            ),
            (&["script-src 'self'", "script-src 'nonce-abc'"], nonce()),
            (&["script-src 'self', script-src 'none'"], no.clone()),
            (
                &["script-src 'nonce-abc'", "script-src 'nonce-def'"],
                Verdict::Blocked("the page's policies want two different nonces"),
            ),
            (
                &["sandbox allow-forms"],
                Verdict::Blocked("the page's CSP is a sandbox without scripts"),
            ),
            (&["script-src 'nonce-\"><svg/onload=1>'"], no),
        ] {
            assert_eq!(external(policies), verdict, "{policies:?}");
        }
    }

    #[test]
    fn inline_scripts_need_unsafe_inline_or_a_nonce() {
        let no = Verdict::Blocked("the page's CSP does not allow inline scripts");
        for (policy, verdict) in [
            ("img-src 'self'", Verdict::Allowed),
            ("default-src 'self'", no.clone()),
            ("script-src 'unsafe-inline'", Verdict::Allowed),
            ("script-src 'unsafe-inline' 'sha256-AAAA'", no.clone()),
            ("script-src 'unsafe-inline' 'strict-dynamic'", no),
            (
                "script-src 'unsafe-inline' 'nonce-abc'",
                Verdict::WithNonce("abc".into()),
            ),
        ] {
            assert_eq!(csp(&[policy]).inline_script(), verdict, "{policy}");
        }
    }

    #[test]
    fn inserted_styles_obey_the_directives_for_styles() {
        let no = Verdict::Blocked("the page's CSP does not allow inline styles");
        let nonce = || Verdict::WithNonce("abc".into());
        for (policy, verdict) in [
            ("script-src 'none'", Verdict::Allowed),
            ("default-src 'self'", no.clone()),
            (
                "default-src 'none'; style-src 'unsafe-inline'",
                Verdict::Allowed,
            ),
            ("style-src 'unsafe-inline' 'sha256-AAAA'", no.clone()),
            ("style-src 'unsafe-inline' 'nonce-abc'", nonce()),
            (
                "style-src 'unsafe-inline'; style-src-elem 'self'",
                no.clone(),
            ),
            ("style-src 'none'; style-src-elem 'nonce-abc'", nonce()),
            ("style-src-attr 'none'", Verdict::Allowed),
        ] {
            assert_eq!(csp(&[policy]).inline_style(), verdict, "{policy}");
        }
        let page = Url::parse("https://shop.example/p/1").unwrap();
        let sheet = page.join("/_v/s/0-a.css").unwrap();
        for (policy, verdict) in [
            ("default-src 'self'", Verdict::Allowed),
            ("style-src https://cdn.example 'nonce-abc'", nonce()),
            (
                "style-src 'unsafe-inline'",
                Verdict::Blocked("the page's CSP does not allow the style sheet"),
            ),
        ] {
            assert_eq!(
                csp(&[policy]).style_sheet(&sheet, &page),
                verdict,
                "{policy}"
            );
        }
    }
}
