//! `allowed_outbound_hosts`: whom a component may call. Whatever is not named is refused.

use http::Uri;

/// The suffix of a sibling's address.
const CHAINING: &str = ".spin.internal";

/// The list of one component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Allowed {
    hosts: Vec<Entry>,
    siblings: Vec<String>,
    all_siblings: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// `None`: any scheme.
    scheme: Option<String>,
    host: Host,
    ports: Ports,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Any,
    /// `*.example.com`, kept as `.example.com`.
    Below(String),
    Exact(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Ports {
    Any,
    Range(u16, u16),
}

/// Where an outbound request goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target<'u> {
    /// A sibling, by its component name.
    Sibling(&'u str),
    /// The network.
    Network,
}

impl Allowed {
    /// Adds one line of the manifest.
    pub(crate) fn add(&mut self, text: &str) -> Result<(), String> {
        let wrong = |why: &str| format!("allowed_outbound_hosts entry `{text}`: {why}");
        if text.contains("{{") {
            return Err(wrong("variables are not supported here"));
        }
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| wrong("expected `scheme://host:port`"))?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) =
            split_port(rest).ok_or_else(|| wrong("the host is missing or has a path"))?;
        let host = host.to_ascii_lowercase();
        if let Some(name) = host.strip_suffix(CHAINING) {
            return self.add_sibling(name, scheme, port).map_err(wrong);
        }
        if host == "self" {
            return Err(wrong("`self` is not supported"));
        }
        let scheme = (scheme != "*").then(|| scheme.to_ascii_lowercase());
        let ports = match (port, scheme.as_deref()) {
            (Some("*"), _) => Ports::Any,
            (Some(port), _) => range(port)
                .ok_or_else(|| wrong("the port is not a number, a range `a..b` or `*`"))?,
            (None, Some("http")) => Ports::Range(80, 80),
            (None, Some("https")) => Ports::Range(443, 443),
            (None, _) => return Err(wrong("the port is missing")),
        };
        let host = host_pattern(host).map_err(wrong)?;
        self.hosts.push(Entry {
            scheme,
            host,
            ports,
        });
        Ok(())
    }

    fn add_sibling(
        &mut self,
        name: &str,
        scheme: &str,
        port: Option<&str>,
    ) -> Result<(), &'static str> {
        if !matches!(scheme, "http" | "*") || !matches!(port, None | Some("80" | "*")) {
            return Err("a sibling is `http://name.spin.internal`");
        }
        if name == "*" {
            self.all_siblings = true;
        } else {
            self.siblings.push(name.to_owned());
        }
        Ok(())
    }

    /// Decides about one request. `None` is a refusal.
    pub(crate) fn target<'u>(&self, uri: &'u Uri) -> Option<Target<'u>> {
        let host = uri.host()?;
        if let Some(name) = host.strip_suffix(CHAINING) {
            let named = self.all_siblings || self.siblings.iter().any(|s| s == name);
            return named.then_some(Target::Sibling(name));
        }
        let scheme = uri.scheme_str()?;
        let port = uri
            .port_u16()
            .unwrap_or(if scheme == "https" { 443 } else { 80 });
        let host = host.to_ascii_lowercase();
        self.hosts
            .iter()
            .any(|entry| entry.admits(scheme, &host, port))
            .then_some(Target::Network)
    }
}

impl Entry {
    fn admits(&self, scheme: &str, host: &str, port: u16) -> bool {
        self.scheme.as_deref().is_none_or(|s| s == scheme)
            && match &self.host {
                Host::Any => true,
                Host::Below(suffix) => host.len() > suffix.len() && host.ends_with(suffix.as_str()),
                Host::Exact(exact) => host == exact,
            }
            && match self.ports {
                Ports::Any => true,
                Ports::Range(from, to) => (from..=to).contains(&port),
            }
    }
}

fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    if text.is_empty() || text.contains(['/', '?', '#', '@']) {
        return None;
    }
    if text.starts_with('[') {
        let end = text.find(']')? + 1;
        let port = &text[end..];
        return Some((&text[..end], port.strip_prefix(':')));
    }
    match text.split_once(':') {
        Some((host, port)) => Some((host, Some(port))),
        None => Some((text, None)),
    }
    .filter(|(host, _)| !host.is_empty())
}

fn range(text: &str) -> Option<Ports> {
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let (from, to) = (from.parse().ok()?, to.parse().ok()?);
    (from <= to).then_some(Ports::Range(from, to))
}

fn host_pattern(host: String) -> Result<Host, &'static str> {
    if host == "*" {
        return Ok(Host::Any);
    }
    if let Some(suffix) = host.strip_prefix('*') {
        if !suffix.starts_with('.') || suffix.contains('*') {
            return Err("`*` stands for a whole host or for its first labels (`*.example.com`)");
        }
        return Ok(Host::Below(suffix.to_owned()));
    }
    if host.contains('*') {
        return Err("`*` stands for a whole host or for its first labels (`*.example.com`)");
    }
    Ok(Host::Exact(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(lines: &[&str]) -> Allowed {
        let mut allowed = Allowed::default();
        for line in lines {
            allowed.add(line).unwrap();
        }
        allowed
    }

    fn admits(allowed: &Allowed, uri: &str) -> bool {
        allowed.target(&uri.parse().unwrap()).is_some()
    }

    #[test]
    fn nothing_is_allowed_unless_it_is_named() {
        assert!(!admits(&Allowed::default(), "http://127.0.0.1:3000/"));
        assert!(!admits(&Allowed::default(), "http://edge.spin.internal/"));
    }

    #[test]
    fn scheme_host_and_port_must_all_fit() {
        let list = allowed(&[
            "https://*:443",
            "http://127.0.0.1:*",
            "http://a.b",
            "*://c.d:1000..2000",
            "https://*.shop.example",
        ]);
        for uri in [
            "https://any.thing/x",
            "http://127.0.0.1:9/",
            "http://A.b/",
            "http://c.d:1500/",
            "https://x.y.shop.example/",
        ] {
            assert!(admits(&list, uri), "{uri}");
        }
        for uri in [
            "http://any.thing/x",
            "https://any.thing:444/",
            "http://127.0.0.2:9/",
            "http://a.b:81/",
            "http://c.d:2001/",
            "http://127.0.0.1.evil.example/",
        ] {
            assert!(!admits(&list, uri), "{uri}");
        }
    }

    #[test]
    fn a_suffix_wildcard_does_not_admit_the_bare_domain_or_a_lookalike() {
        let list = allowed(&["https://*.shop.example"]);
        assert!(!admits(&list, "https://shop.example/"));
        assert!(!admits(&list, "https://evilshop.example/"));
    }

    #[test]
    fn siblings_are_named_one_by_one_or_all_together() {
        let one = allowed(&["http://optimizer.spin.internal"]);
        let uri: Uri = "http://optimizer.spin.internal/encode".parse().unwrap();
        assert_eq!(one.target(&uri), Some(Target::Sibling("optimizer")));
        assert!(!admits(&one, "http://edge.spin.internal/"));
        assert!(admits(
            &allowed(&["http://*.spin.internal"]),
            "http://edge.spin.internal/"
        ));
    }

    #[test]
    fn a_wildcard_for_hosts_does_not_open_the_siblings() {
        assert!(!admits(
            &allowed(&["*://*:*"]),
            "http://edge.spin.internal/"
        ));
    }

    #[test]
    fn a_wrong_entry_is_refused_with_its_text() {
        for text in [
            "example.com",
            "http://",
            "http://a/b",
            "http://a:x",
            "ftp://a",
            "http://a*b",
            "http://self",
            "https://{{ host }}",
        ] {
            let message = Allowed::default().add(text).unwrap_err();
            assert!(message.contains(text), "{message}");
        }
    }
}
