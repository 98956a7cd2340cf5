//! ## What it does
//! Changes when a third-party script runs, for the scripts that a rule names: `async` and `defer` let the
//! page go on while it loads, `idle` runs it when the page has loaded and the browser has time, `block`
//! does not run it at all. Without a rule, nothing is changed.
//! ## Why it helps
//! A script without `async` stops the parser until a stranger's server has answered.
//! ## When it stays away
//! The shop's own scripts, inline scripts, modules, `nomodule`, anything that is not JavaScript. Vendors
//! that other code calls by name, that write into the document, or that guard consent, payment, forms and
//! bots: a rule for one of these is refused, and `explain` says why. Everything by Google once the page has
//! set a consent default, and everything once a consent tool is on the page (`block` excepted). Elements
//! that opt out, alone or through an ancestor. Pages that another optimiser has been at.
//! ## Example
//! With the rule `vendor = "intercom", action = "async"`,
//! `<script src="https://widget.intercom.io/widget/x"></script>` becomes
//! `<script src="https://widget.intercom.io/widget/x" async=""></script>`

use serde::{Deserialize, Serialize};
use url::Url;

use self::idle::Loader;
use super::super::page::{Page, PageFacts};
use super::super::tag::Tag;
use super::super::vendors::{self, Vendor};
use super::{Contract, Decision, Edit, Pass, Receipt};
use rules::{CompiledRule, refusal_of_vendor};

pub use rules::{Action, Category, Rule};

mod idle;
mod rules;
mod signs;

pub(super) use self::idle::take_address;
pub(super) use self::signs::{has_consent_attribute, is_classic_javascript};

/// What this pass declares of itself.
pub(super) const CONTRACT: Contract = Contract {
    after: &["other_optimisers"],
    edits: &[Edit::MovesScripts, Edit::Inserts("script")],
    ..Contract::READS
};

/// `[passes.third_party_scripts]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Whether the pass runs.
    ///
    /// ### Default
    /// `true`; it changes nothing without rules.
    pub enabled: bool,
    /// Latest start of an `idle` script, in milliseconds after the page has loaded.
    ///
    /// ### Default
    /// `4000`
    #[cfg_attr(feature = "authoring", schemars(range(min = 100, max = 30_000)))]
    pub idle_deadline_ms: u32,
    /// What to do with which script. The first rule that names a script decides.
    ///
    /// ### Default
    /// `[]`
    #[cfg_attr(feature = "authoring", schemars(length(max = 64)))]
    pub rules: Vec<Rule>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            enabled: true,
            idle_deadline_ms: 4000,
            rules: Vec::new(),
        }
    }
}

impl Options {
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let rules = self.rules.iter().enumerate();
        rules
            .filter_map(|(i, rule)| {
                let (key, why) = rule.problem()?;
                Some((format!("rules.{i}.{key}"), why))
            })
            .collect()
    }
}

pub(super) fn decide(options: &Options, _facts: &PageFacts) -> Decision {
    if options.rules.is_empty() {
        return Decision::skip("no rules");
    }
    let rules = options.rules.iter().filter_map(CompiledRule::of).collect();
    Decision::Apply(Box::new(ThirdPartyScripts {
        rules,
        loader: Loader::new(options.idle_deadline_ms),
        consent_default: false,
        consent_tool: None,
    }))
}

struct ThirdPartyScripts {
    rules: Vec<CompiledRule>,
    loader: Loader,
    /// The page has set Google's consent default.
    consent_default: bool,
    /// A consent tool is on the page.
    consent_tool: Option<&'static str>,
}

impl Pass for ThirdPartyScripts {
    fn reads_inline_scripts(&self) -> bool {
        true
    }

    fn start_tag(&mut self, tag: &mut Tag<'_, '_, '_>, page: &Page, receipt: &mut Receipt) {
        if tag.name() != "script" {
            return;
        }
        let Some(src) = tag.value("src") else {
            return;
        };
        let Some(url) = page.resolve(&src).filter(|url| !page.is_same_origin(url)) else {
            return;
        };
        let vendor = vendors::of(&url);
        if let Some(vendor) = vendor.filter(|vendor| vendor.category == Category::Consent) {
            self.consent_tool = Some(vendor.id);
        }
        let who = || match vendor {
            Some(vendor) => format!("{} ({})", shown(&url), vendor.id),
            None => shown(&url),
        };
        let Some(action) = self.action_for(&url, vendor) else {
            receipt.note(|| format!("{}: left, no rule names it", who()));
            return;
        };
        if action == Action::Leave {
            receipt.note(|| format!("{}: left, as a rule says", who()));
            return;
        }
        if let Some(reason) = self.refusal(tag, vendor, action, page) {
            receipt.note(|| format!("{}: left, {reason}", who()));
            return;
        }
        self.apply(tag, action, page, receipt);
        receipt.applied();
        receipt.note(|| format!("{}: {action:?}", who()).to_lowercase());
    }

    fn inline_script(&mut self, text: &[u8], _page: &Page, _receipt: &mut Receipt) {
        self.consent_default |= signs::sets_consent_default(text);
        self.consent_tool = self.consent_tool.or_else(|| signs::consent_tool(text));
    }
}

impl ThirdPartyScripts {
    fn action_for(&self, url: &Url, vendor: Option<&Vendor>) -> Option<Action> {
        let rule = self.rules.iter().find(|rule| rule.names(url, vendor));
        rule.map(|rule| rule.action)
    }

    /// Why a script that a rule names is left as it is.
    fn refusal(
        &self,
        tag: &Tag<'_, '_, '_>,
        vendor: Option<&Vendor>,
        action: Action,
        page: &Page,
    ) -> Option<String> {
        if let Some(reason) = vendor.and_then(|vendor| refusal_of_vendor(vendor, action)) {
            return Some(reason);
        }
        let reason = refusal_of_tag(tag, action);
        if reason.is_some() || action == Action::Block {
            return reason.map(str::to_owned);
        }
        if vendor.is_some_and(|vendor| vendor.google) && self.consent_default {
            return Some("the page sets a consent default for Google's tags".into());
        }
        if let Some(tool) = self.consent_tool {
            return Some(format!("the consent tool {tool} decides when scripts run"));
        }
        (action == Action::Idle)
            .then(|| self.loader.obstacle(page))
            .flatten()
            .map(str::to_owned)
    }

    fn apply(
        &mut self,
        tag: &mut Tag<'_, '_, '_>,
        action: Action,
        page: &Page,
        receipt: &mut Receipt,
    ) {
        match action {
            Action::Async => tag.set_raw("async", ""),
            Action::Defer => tag.set_raw("defer", ""),
            Action::Idle => self.loader.hold(tag, page, receipt),
            Action::Block => idle::block(tag),
            Action::Leave => {}
        }
    }
}

/// Why an element may not be treated so, whatever script it loads.
fn refusal_of_tag(tag: &Tag<'_, '_, '_>, action: Action) -> Option<&'static str> {
    if !signs::is_classic_javascript(tag) {
        return Some("it is not a classic JavaScript");
    }
    if tag.has("nomodule") {
        return Some("nomodule: only old browsers run it");
    }
    if tag.opted_out {
        return Some("the element or an ancestor opts out");
    }
    if signs::has_consent_attribute(tag) {
        return Some("a consent tool controls it");
    }
    let waits = !tag.has("async") && !tag.has("defer");
    match action {
        Action::Async | Action::Defer if !waits => Some("it does not block the parser"),
        Action::Idle | Action::Block if !tag.is_plain("src") || !tag.is_plain("type") => {
            Some("its src or type is not ASCII, or is there twice")
        }
        _ => None,
    }
}

/// A URL as notes show it: without the query, which can hold personal data.
fn shown(url: &Url) -> String {
    format!("{}{}", url.host_str().unwrap_or_default(), url.path())
}
