//! Content security policy: whether something of ours may stand in a page, and what it must carry to. Nothing
//! here loosens a policy.
//!
//! A pass asks the page about the very thing that it is about to insert, and lets the receipt know the answer:
//!
//! ```text
//! let nonce = page.csp.external_script(&url).admit(receipt)?;
//! format!("<script src=\"{src}\"{nonce} data-v=\"…\"></script>")
//! ```

mod policy;
mod source;
#[cfg(test)]
mod tests;

use http::HeaderMap;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY_REPORT_ONLY};
use url::Url;

use self::policy::{Inline, Policy};
use super::passes::Receipt;

/// Every policy of a page. All of them apply: a thing is allowed when each allows it.
#[derive(Debug, Clone)]
pub(super) struct Csp {
    /// The page's address: what `'self'` means.
    site: Url,
    enforced: Vec<Policy>,
    /// Policies that only report. They block nothing, but what they would report is said.
    reported: Vec<Policy>,
}

/// What a policy, or all of them together, say of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ruling {
    Allowed,
    /// Allowed when the element carries this nonce.
    WithNonce(String),
    Blocked(&'static str),
}

/// Whether a page's policies let one thing in.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) ruling: Ruling,
    /// Why a policy that only reports will report the thing.
    pub(super) reported: Option<&'static str>,
}

impl Verdict {
    /// The nonce attribute that the element must carry, with a space before it, or nothing where none is
    /// needed. `None` where a policy refuses the element: the receipt then says why.
    pub(super) fn admit(self, receipt: &mut Receipt) -> Option<String> {
        self.attribute(receipt)
            .map_err(|reason| receipt.refuse(reason))
            .ok()
    }

    /// The same for a pass that says itself what it leaves, and why. What a policy that only reports will
    /// report is written down here either way.
    pub(super) fn attribute(self, receipt: &mut Receipt) -> Result<String, &'static str> {
        let attribute = match self.ruling {
            Ruling::Allowed => String::new(),
            Ruling::WithNonce(nonce) => format!(" nonce=\"{nonce}\""),
            Ruling::Blocked(reason) => return Err(reason),
        };
        if let Some(reason) = self.reported {
            receipt.note_once(format!("a report-only policy will report it: {reason}"));
        }
        Ok(attribute)
    }

    /// Why the thing may not be there, for a pass that asks before it decides.
    pub(super) fn refusal(&self) -> Option<&'static str> {
        match self.ruling {
            Ruling::Blocked(reason) => Some(reason),
            Ruling::Allowed | Ruling::WithNonce(_) => None,
        }
    }
}

#[allow(
    dead_code,
    reason = "one answer for everything that a pass can insert, asked by those that do"
)]
impl Csp {
    /// The policies in the headers of the response for a page.
    pub(super) fn of(site: Url, headers: &HeaderMap) -> Self {
        let policies = |name| {
            let values = headers.get_all(name).iter();
            let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            values.flat_map(|value| Policy::list(&value)).collect()
        };
        Self {
            site,
            enforced: policies(CONTENT_SECURITY_POLICY),
            reported: policies(CONTENT_SECURITY_POLICY_REPORT_ONLY),
        }
    }

    /// Adds the policy of a `<meta>`. There is no report-only policy in markup.
    pub(super) fn add_meta(&mut self, content: &str) {
        self.enforced.extend(Policy::of_meta(content));
    }

    /// A script at this address.
    pub(super) fn external_script(&self, url: &Url) -> Verdict {
        self.judge(|policy| policy.external_script(url, &self.site))
    }

    /// A script element with this text.
    pub(super) fn inline_script(&self, text: &str) -> Verdict {
        self.judge(|policy| policy.inline(Inline::Script, text))
    }

    /// A style sheet at this address, through `<link>`.
    pub(super) fn external_style(&self, url: &Url) -> Verdict {
        self.judge(|policy| policy.external_style(url, &self.site))
    }

    /// A style element with this text.
    pub(super) fn inline_style(&self, text: &str) -> Verdict {
        self.judge(|policy| policy.inline(Inline::Style, text))
    }

    /// A `style` attribute with this value.
    pub(super) fn style_attribute(&self, value: &str) -> Verdict {
        self.judge(|policy| policy.inline(Inline::StyleAttribute, value))
    }

    /// A font at this address.
    pub(super) fn font(&self, url: &Url) -> Verdict {
        let refusal = "the page's CSP does not allow the font";
        self.judge(|policy| policy.loads(&["font-src"], url, &self.site, refusal))
    }

    /// An image at this address.
    pub(super) fn image(&self, url: &Url) -> Verdict {
        let refusal = "the page's CSP does not allow the image";
        self.judge(|policy| policy.loads(&["img-src"], url, &self.site, refusal))
    }

    /// A frame at this address.
    pub(super) fn frame(&self, url: &Url) -> Verdict {
        let refusal = "the page's CSP does not allow the frame";
        self.judge(|policy| policy.loads(&["frame-src", "child-src"], url, &self.site, refusal))
    }

    /// A measurement that a script of ours sends to this address.
    pub(super) fn beacon(&self, url: &Url) -> Verdict {
        let refusal = "the page's CSP does not allow the beacon";
        self.judge(|policy| policy.loads(&["connect-src"], url, &self.site, refusal))
    }

    /// A `<script type=speculationrules>` with this text.
    pub(super) fn speculation_rules(&self, text: &str) -> Verdict {
        self.judge(|policy| policy.inline(Inline::SpeculationRules, text))
    }

    /// Whether scripts may only set URLs through trusted types.
    pub(super) fn wants_trusted_types(&self) -> bool {
        let mut policies = self.enforced.iter();
        policies.any(|policy| policy.has("require-trusted-types-for"))
    }

    fn judge(&self, one: impl Fn(&Policy) -> Ruling) -> Verdict {
        let ruling = all(&self.enforced, &one);
        let reported = match (all(&self.reported, &one), &ruling) {
            (Ruling::Blocked(reason), _) => Some(reason),
            // A nonce that only a reporting policy wants does no harm, and spares the merchant the report.
            (wanted @ Ruling::WithNonce(_), Ruling::Allowed) => {
                return Verdict {
                    ruling: wanted,
                    reported: None,
                };
            }
            (Ruling::WithNonce(wanted), Ruling::WithNonce(nonce)) if wanted != *nonce => {
                Some(TWO_NONCES)
            }
            _ => None,
        };
        Verdict { ruling, reported }
    }
}

const TWO_NONCES: &str = "the page's policies want two different nonces";

/// What several policies say together.
fn all(policies: &[Policy], one: impl Fn(&Policy) -> Ruling) -> Ruling {
    let mut all = Ruling::Allowed;
    for policy in policies {
        match (one(policy), &all) {
            (Ruling::Allowed, _) => {}
            (Ruling::WithNonce(nonce), Ruling::WithNonce(other)) if nonce != *other => {
                return Ruling::Blocked(TWO_NONCES);
            }
            (ruling @ Ruling::WithNonce(_), _) => all = ruling,
            (blocked @ Ruling::Blocked(_), _) => return blocked,
        }
    }
    all
}
