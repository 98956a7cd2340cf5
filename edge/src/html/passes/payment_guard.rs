//! ## What it does
//! Recognises pages that take payments by what is on them: a card field, or a script, frame or form of a
//! payment provider. Nothing at all is done to such a page, whatever its address. It keeps a list of the
//! scripts on those pages, and the log says when the list changes.
//! ## Why it helps
//! A path that nobody thought of must not cost an order. And who takes cards has to know which scripts run
//! on the page that asks for them (PCI DSS 4.0, requirement 6.4.3).
//! ## When it stays away
//! It changes nothing anywhere. The first page of a kind passes untouched while it is looked at; from the
//! second one on the answer is known. A provider whose script is on every page of the shop, for instalment
//! offers or against fraud, can be named in `everywhere`; its frames and forms still count.
//! ## Example
//! A page with `<input autocomplete="cc-number">` at `/weiter` passes byte for byte, and `vitrine explain
//! /weiter` says: a payment page, because it has a field for card data (`cc-number`).

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::super::page::{Page, PageFacts};
use super::super::tag::Tag;
use super::super::vendors::{self, Vendor};
use super::third_party_scripts::Category;
use super::{Contract, Decision, Pass, Receipt};
use crate::cache::key::digest;

/// What this pass declares of itself.
pub(super) const CONTRACT: Contract = Contract::READS;

/// Why nothing is done to a page.
const HALTED: &str = "the page takes payments";
/// Most scripts that are listed of one page.
const MAX_SCRIPTS: usize = 100;

/// `[passes.payment_guard]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Whether pages are looked at.
    ///
    /// ### Default
    /// `true`
    pub enabled: bool,
    /// What is done with the first page of a kind, of which nothing is known yet: `observe` passes it
    /// untouched, `trust` takes it for a page like others until something on it shows that it is not.
    ///
    /// ### Default
    /// `"observe"`
    pub first_view: FirstView,
    /// Payment providers whose scripts are on every page, by their names in
    /// `third_party_scripts.rules.vendor`.
    ///
    /// ### Default
    /// `[]`
    #[cfg_attr(
        feature = "authoring",
        schemars(
            length(max = 16),
            extend("items" = serde_json::json!({"type": "string", "enum": vendors::names()}))
        )
    )]
    pub everywhere: Vec<String>,
}

/// What is done with a page of a kind that has not been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FirstView {
    /// Nothing; it is looked at.
    #[default]
    Observe,
    /// What is done with any page.
    Trust,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            enabled: true,
            first_view: FirstView::Observe,
            everywhere: Vec::new(),
        }
    }
}

impl Options {
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let all = vendors::all();
        let is_provider = |id: &String| all.iter().any(|v| v.id == *id && takes_payments(v));
        let named = self.everywhere.iter().enumerate();
        named
            .filter(|(_, id)| !is_provider(id))
            .map(|(i, id)| {
                let why = format!("`{id}` is no payment provider that is known");
                (format!("everywhere.{i}"), why)
            })
            .collect()
    }
}

#[allow(clippy::unnecessary_wraps, reason = "every pass decides in this form")]
pub(super) fn decide(options: &Options, facts: &PageFacts) -> Decision {
    Decision::Apply(Box::new(PaymentGuard {
        everywhere: options.everywhere.clone(),
        observes: facts.observed,
    }))
}

fn takes_payments(vendor: &Vendor) -> bool {
    vendor.category == Category::Payment
}

struct PaymentGuard {
    everywhere: Vec<String>,
    /// Whether the page is only looked at, to its end.
    observes: bool,
}

impl Pass for PaymentGuard {
    fn changes(&self) -> bool {
        false
    }

    fn elements(&self) -> &'static [&'static str] {
        &["input", "form", "select"]
    }

    fn reads_inline_scripts(&self) -> bool {
        self.observes
    }

    fn start_tag(&mut self, tag: &mut Tag<'_, '_, '_>, page: &Page, receipt: &mut Receipt) {
        let evidence = match tag.name() {
            "input" | "select" => card_field(tag),
            "script" => {
                self.list(tag, page, receipt);
                let vendor = provider(tag, "src", page);
                let vendor = vendor.filter(|vendor| !self.everywhere.iter().any(|id| id == vendor.id));
                vendor.map(|vendor| format!("it has a script of {}", vendor.id))
            }
            "iframe" => provider(tag, "src", page).map(|v| format!("it has a frame of {}", v.id)),
            "form" => provider(tag, "action", page).map(|v| format!("a form goes to {}", v.id)),
            _ => None,
        };
        let Some(evidence) = evidence else { return };
        receipt.note(|| evidence.clone());
        receipt.payment.get_or_insert(evidence);
        if !self.observes {
            receipt.halt(HALTED);
        }
    }

    fn inline_script(&mut self, text: &[u8], _page: &Page, receipt: &mut Receipt) {
        if receipt.scripts.len() < MAX_SCRIPTS {
            let mut digest = digest([constant_part(text).as_slice()]);
            digest.truncate(16);
            receipt.scripts.push(format!("inline {digest}"));
        }
    }

    fn document_end(&mut self, _page: &Page, receipt: &mut Receipt) {
        if receipt.payment.is_none() {
            receipt.stop("the page takes no payments");
        }
    }
}

impl PaymentGuard {
    /// Lists an external script: its address without the query, and its integrity.
    fn list(&self, tag: &Tag<'_, '_, '_>, page: &Page, receipt: &mut Receipt) {
        if !self.observes || receipt.scripts.len() >= MAX_SCRIPTS {
            return;
        }
        let url = tag.value("src").and_then(|src| page.resolve(&src));
        let Some(url) = url else { return };
        let mut script = format!("{}{}", url.origin().ascii_serialization(), url.path());
        if let Some(integrity) = tag.value("integrity") {
            let _ = write!(script, " {}", integrity.trim());
        }
        receipt.scripts.push(script);
    }
}

/// The payment provider that an address belongs to.
fn provider(tag: &Tag<'_, '_, '_>, attribute: &str, page: &Page) -> Option<&'static Vendor> {
    let url = page.resolve(&tag.value(attribute)?)?;
    vendors::of(&url).filter(|vendor| takes_payments(vendor))
}

/// Whether a field asks for card data: by its autofill token (HTML, 4.10.18.7), or by a name that payment
/// forms give it.
fn card_field(tag: &Tag<'_, '_, '_>) -> Option<String> {
    const NAMES: [&str; 10] = [
        "cardnumber",
        "ccnumber",
        "creditcardnumber",
        "cardcvc",
        "cardcvv",
        "cvc",
        "cvv",
        "cvv2",
        "cardexpiry",
        "ccexp",
    ];
    let autofill = tag.value("autocomplete").unwrap_or_default();
    let token = autofill
        .split_ascii_whitespace()
        .map(str::to_ascii_lowercase)
        .find(|token| token.starts_with("cc-"));
    let named = || {
        let names = [tag.value("name"), tag.value("id")];
        names.into_iter().flatten().find(|name| {
            let dense: String = name
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .collect::<String>()
                .to_ascii_lowercase();
            NAMES.contains(&dense.as_str())
        })
    };
    let field = token.or_else(named)?;
    Some(format!("it has a field for card data (`{field}`)"))
}

/// An inline script without what changes from view to view: the contents of its strings, and its numbers.
fn constant_part(text: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(text.len());
    let mut quote = None;
    let mut escaped = false;
    for &byte in text {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if byte == b'\\' => escaped = true,
            Some(open) if byte == open => {
                quote = None;
                kept.push(byte);
            }
            Some(_) => {}
            None => {
                if matches!(byte, b'"' | b'\'' | b'`') {
                    quote = Some(byte);
                }
                if !byte.is_ascii_digit() && !byte.is_ascii_whitespace() {
                    kept.push(byte);
                }
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_does_not_change_what_a_script_is() {
        let one = constant_part(b"pay({token: 'a1b2', at: 1795478400})");
        let two = constant_part(b"pay({token: 'c3\\'d4',  at: 1795478999})");
        assert_eq!(one, two);
        assert_ne!(one, constant_part(b"steal({token: 'a1b2', at: 1})"));
    }

    #[test]
    fn only_payment_providers_can_be_everywhere() {
        let options = Options {
            everywhere: vec!["stripe".into(), "intercom".into()],
            ..Options::default()
        };
        let problems = options.problems();
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].0, "everywhere.1");
    }
}
