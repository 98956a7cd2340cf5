//! One policy: its directives, which of them stands in for which, and what it says of one thing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use url::Url;

use super::Ruling;
use super::source::source_matches;

#[derive(Debug, Clone)]
pub(super) struct Policy {
    /// Lower-case name and sources of each directive. The first of a name counts.
    directives: Vec<(String, Vec<String>)>,
}

/// What can stand in the page itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inline {
    Script,
    Style,
    StyleAttribute,
    SpeculationRules,
}

const SCRIPTS: &[&str] = &["script-src-elem", "script-src"];
const STYLES: &[&str] = &["style-src-elem", "style-src"];
const STYLE_ATTRIBUTES: &[&str] = &["style-src-attr", "style-src"];

const SANDBOX: Ruling = Ruling::Blocked("the page's CSP is a sandbox without scripts");

impl Policy {
    /// The policies of one header value.
    pub(super) fn list(value: &str) -> Vec<Self> {
        value.split(',').filter_map(Self::parse).collect()
    }

    /// The policy of a `<meta>`, where a comma separates nothing, and `sandbox` says nothing.
    pub(super) fn of_meta(content: &str) -> Option<Self> {
        let mut policy = Self::parse(content)?;
        policy.directives.retain(|(name, _)| name != "sandbox");
        Some(policy)
    }

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

    pub(super) fn has(&self, directive: &str) -> bool {
        self.directives.iter().any(|(name, _)| name == directive)
    }

    pub(super) fn external_script(&self, url: &Url, site: &Url) -> Ruling {
        if self.sandboxes_scripts() {
            return SANDBOX;
        }
        let Some(sources) = self.sources(SCRIPTS) else {
            return Ruling::Allowed;
        };
        let strict = sources.has("'strict-dynamic'");
        if !strict && sources.match_url(url, site) {
            Ruling::Allowed
        } else if let Some(nonce) = sources.nonce() {
            Ruling::WithNonce(nonce.to_owned())
        } else if strict {
            Ruling::Blocked("the page's CSP has strict-dynamic and no nonce")
        } else {
            Ruling::Blocked("the page's CSP does not allow the script")
        }
    }

    pub(super) fn external_style(&self, url: &Url, site: &Url) -> Ruling {
        match self.sources(STYLES) {
            None => Ruling::Allowed,
            Some(sources) if sources.match_url(url, site) => Ruling::Allowed,
            Some(sources) => match sources.nonce() {
                Some(nonce) => Ruling::WithNonce(nonce.to_owned()),
                None => Ruling::Blocked("the page's CSP does not allow the style sheet"),
            },
        }
    }

    /// Something that is loaded from an address and can carry no nonce. `default-src` stands in for every
    /// directive that loads.
    pub(super) fn loads(
        &self,
        directives: &[&str],
        url: &Url,
        site: &Url,
        refusal: &'static str,
    ) -> Ruling {
        match self.sources(directives) {
            Some(sources) if !sources.match_url(url, site) => Ruling::Blocked(refusal),
            _ => Ruling::Allowed,
        }
    }

    pub(super) fn inline(&self, kind: Inline, text: &str) -> Ruling {
        let (directives, refusal) = match kind {
            Inline::Script => (SCRIPTS, "the page's CSP does not allow inline scripts"),
            Inline::Style => (STYLES, "the page's CSP does not allow inline styles"),
            Inline::StyleAttribute => (
                STYLE_ATTRIBUTES,
                "the page's CSP does not allow style attributes",
            ),
            Inline::SpeculationRules => (
                SCRIPTS,
                "the page's CSP does not allow inline speculation rules",
            ),
        };
        let is_script = matches!(kind, Inline::Script | Inline::SpeculationRules);
        if is_script && self.sandboxes_scripts() {
            return SANDBOX;
        }
        let Some(sources) = self.sources(directives) else {
            return Ruling::Allowed;
        };
        let is_attribute = kind == Inline::StyleAttribute;
        let by_rules =
            kind == Inline::SpeculationRules && sources.has("'inline-speculation-rules'");
        let by_hash =
            (!is_attribute || sources.has("'unsafe-hashes'")) && sources.has_hash_of(text);
        if by_rules || by_hash || sources.allow_all_inline(is_script) {
            return Ruling::Allowed;
        }
        match sources.nonce() {
            Some(nonce) if !is_attribute => Ruling::WithNonce(nonce.to_owned()),
            _ => Ruling::Blocked(refusal),
        }
    }

    /// The first of these directives that the policy has, or what stands in for them.
    fn sources(&self, names: &[&str]) -> Option<Sources<'_>> {
        let mut chain = names.iter().chain(&["default-src"]);
        let find = |name| self.directives.iter().find(|(seen, _)| seen == name);
        chain.find_map(|name| find(*name).map(|(_, sources)| Sources(sources)))
    }

    fn sandboxes_scripts(&self) -> bool {
        let mut directives = self.directives.iter();
        let sandbox = directives.find(|(name, _)| name == "sandbox");
        sandbox.is_some_and(|(_, flags)| !Sources(flags).has("allow-scripts"))
    }
}

#[derive(Clone, Copy)]
struct Sources<'a>(&'a [String]);

impl<'a> Sources<'a> {
    fn has(self, keyword: &str) -> bool {
        self.0.iter().any(|s| s.eq_ignore_ascii_case(keyword))
    }

    /// `'unsafe-inline'` counts only where nothing says more exactly what is meant.
    fn allow_all_inline(self, is_script: bool) -> bool {
        self.has("'unsafe-inline'")
            && self.nonce().is_none()
            && self.hashes().next().is_none()
            && !(is_script && self.has("'strict-dynamic'"))
    }

    /// A nonce, which can stand in an attribute as it is. A source that is no valid nonce is none.
    fn nonce(self) -> Option<&'a str> {
        self.quoted().find_map(|(kind, value)| {
            (kind.eq_ignore_ascii_case("nonce") && is_base64(value)).then_some(value)
        })
    }

    /// The algorithm and the digest of each hash source.
    fn hashes(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        const ALGORITHMS: [&str; 3] = ["sha256", "sha384", "sha512"];
        self.quoted().filter(|(kind, value)| {
            ALGORITHMS.iter().any(|a| kind.eq_ignore_ascii_case(a)) && is_base64(value)
        })
    }

    fn has_hash_of(self, text: &str) -> bool {
        self.hashes().any(|(algorithm, listed)| {
            let digest = match algorithm.to_ascii_lowercase().as_str() {
                "sha256" => Sha256::digest(text).to_vec(),
                "sha384" => Sha384::digest(text).to_vec(),
                _ => Sha512::digest(text).to_vec(),
            };
            let listed = listed.replace('-', "+").replace('_', "/");
            STANDARD.encode(digest) == listed
        })
    }

    /// Sources of the form `'kind-value'`.
    fn quoted(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let quoted = |source: &'a String| source.strip_prefix('\'')?.strip_suffix('\'');
        self.0
            .iter()
            .filter_map(move |source| quoted(source)?.split_once('-'))
    }

    fn match_url(self, url: &Url, site: &Url) -> bool {
        self.0
            .iter()
            .any(|source| source_matches(source, url, site))
    }
}

fn is_base64(value: &str) -> bool {
    let digits = value.trim_end_matches('=');
    let is_digit = |b: u8| b.is_ascii_alphanumeric() || b"+/-_".contains(&b);
    !digits.is_empty() && value.len() - digits.len() <= 2 && digits.bytes().all(is_digit)
}
