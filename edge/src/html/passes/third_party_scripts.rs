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
use super::super::url_pattern::UrlPattern;
use super::super::vendors::{self, Vendor};
use super::{Contract, Decision, Edit, Pass, Receipt};

mod idle;
mod signs;

pub(super) use self::idle::take_address;
pub(super) use self::signs::{has_consent_attribute, is_classic_javascript};

/// What this pass declares of itself.
pub(super) const CONTRACT: Contract = Contract {
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

/// `[[passes.third_party_scripts.rules]]`: names scripts by `vendor` or by `match`, one of the two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// A vendor that Vitrine knows, such as `"google-tag-manager"`.
    ///
    /// ### Default
    /// None: a rule has either this or `match`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "authoring", schemars(extend("enum" = vendors::names())))]
    pub vendor: Option<String>,
    /// A URL pattern, such as `"https://tags.example/*"`. Whoever writes it vouches that no other script
    /// needs what these scripts define at once, and that they do not write into the document.
    ///
    /// ### Default
    /// None: a rule has either this or `vendor`.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "authoring", schemars(extend("format" = "url-pattern")))]
    pub pattern: Option<String>,
    /// What happens to the script.
    ///
    /// ### Default
    /// None: a rule states it.
    pub action: Action,
}

/// What a rule does with a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Loads beside the parser and runs as soon as it is there.
    Async,
    /// Loads beside the parser and runs after it, in document order.
    Defer,
    /// Loads and runs when the page has loaded and the browser is idle, or at the deadline.
    Idle,
    /// Does not load.
    Block,
}

impl Options {
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let problem = |rule: &Rule| match (&rule.vendor, &rule.pattern) {
            (Some(id), None) => match vendors::all()
                .and_then(|all| all.iter().find(|v| v.id == *id))
            {
                None => Some(("vendor", format!("`{id}` is not a vendor that is known"))),
                Some(vendor) => refusal_of_vendor(vendor, rule.action).map(|why| ("action", why)),
            },
            (None, Some(pattern)) => UrlPattern::parse(pattern).is_none().then(|| {
                (
                    "match",
                    format!("`{pattern}` has no host: write `//host/path`"),
                )
            }),
            _ => Some(("vendor", "a rule has either `vendor` or `match`".to_owned())),
        };
        let rules = self.rules.iter().enumerate();
        rules
            .filter_map(|(i, rule)| {
                problem(rule).map(|(key, why)| (format!("rules.{i}.{key}"), why))
            })
            .collect()
    }
}

pub(super) fn decide(options: &Options, facts: &PageFacts) -> Decision {
    if options.rules.is_empty() {
        return Decision::skip("no rules");
    }
    if vendors::all().is_none() {
        return Decision::skip("the vendor data is unreadable");
    }
    if let Some(optimiser) = signs::optimiser_in_headers(&facts.headers) {
        return Decision::Skip(format!("another optimiser is at work: {optimiser}").into());
    }
    let rules = options.rules.iter().filter_map(CompiledRule::of).collect();
    Decision::Apply(Box::new(ThirdPartyScripts {
        rules,
        loader: Loader::new(options.idle_deadline_ms),
        consent_default: false,
        consent_tool: None,
        off: false,
    }))
}

/// Why a vendor's scripts may not be treated so, if they may not.
fn refusal_of_vendor(vendor: &Vendor, action: Action) -> Option<String> {
    use super::super::vendors::Interface;
    if vendor.protected {
        return Some(format!("{} is protected ({})", vendor.id, vendor.category));
    }
    if vendor.actions.contains(&action) {
        return None;
    }
    Some(match vendor.interface {
        Interface::Global => format!("the page calls what {} defines, at once", vendor.id),
        Interface::Writes => format!("{} writes into the document", vendor.id),
        Interface::Queue | Interface::None => {
            format!("{} ({}) must not run that late", vendor.id, vendor.category)
        }
    })
}

struct CompiledRule {
    names: Names,
    action: Action,
}

enum Names {
    Vendor(String),
    Pattern(UrlPattern),
}

impl CompiledRule {
    /// `None` for a rule that [`Options::problems`] reports.
    fn of(rule: &Rule) -> Option<Self> {
        let names = match (&rule.vendor, &rule.pattern) {
            (Some(vendor), None) => Names::Vendor(vendor.clone()),
            (None, Some(pattern)) => Names::Pattern(UrlPattern::parse(pattern)?),
            _ => return None,
        };
        Some(Self {
            names,
            action: rule.action,
        })
    }

    fn names(&self, url: &Url, vendor: Option<&Vendor>) -> bool {
        match &self.names {
            Names::Vendor(id) => vendor.is_some_and(|vendor| vendor.id == *id),
            Names::Pattern(pattern) => pattern.matches(url),
        }
    }
}

struct ThirdPartyScripts {
    rules: Vec<CompiledRule>,
    loader: Loader,
    /// The page has set Google's consent default.
    consent_default: bool,
    /// A consent tool is on the page.
    consent_tool: Option<&'static str>,
    /// Another optimiser is at work.
    off: bool,
}

impl Pass for ThirdPartyScripts {
    fn acts_in_body(&self) -> bool {
        !self.off
    }

    fn reads_inline_scripts(&self) -> bool {
        true
    }

    fn start_tag(&mut self, tag: &mut Tag<'_, '_, '_>, page: &Page, receipt: &mut Receipt) {
        if tag.name() != "script" || self.off {
            return;
        }
        if let Some(optimiser) = signs::optimiser_in_tag(tag) {
            self.turn_off(optimiser, receipt);
            return;
        }
        let Some(src) = tag.value("src") else {
            return;
        };
        let Some(url) = page.resolve(&src).filter(|url| !page.is_same_origin(url)) else {
            return;
        };
        let vendor = vendors::of(&url);
        if let Some(vendor) = vendor.filter(|vendor| vendor.category == "consent") {
            self.consent_tool = Some(&vendor.id);
        }
        let who = || match vendor {
            Some(vendor) => format!("{} ({})", shown(&url), vendor.id),
            None => shown(&url),
        };
        let Some(action) = self.action_for(&url, vendor) else {
            receipt.note(|| format!("{}: left, no rule names it", who()));
            return;
        };
        if let Some(reason) = self.refusal(tag, vendor, action, page) {
            receipt.note(|| format!("{}: left, {reason}", who()));
            return;
        }
        self.apply(tag, action, page, receipt);
        receipt.applied();
        receipt.note(|| format!("{}: {action:?}", who()).to_lowercase());
    }

    fn inline_script(&mut self, text: &[u8], _page: &Page, receipt: &mut Receipt) {
        self.consent_default |= signs::sets_consent_default(text);
        if let Some(optimiser) = signs::optimiser_in_script(text) {
            self.turn_off(optimiser, receipt);
        }
    }
}

impl ThirdPartyScripts {
    fn turn_off(&mut self, optimiser: &str, receipt: &mut Receipt) {
        if !self.off {
            self.off = true;
            receipt.note(|| format!("off from here on: another optimiser is at work: {optimiser}"));
            receipt.stop(format!("another optimiser is at work: {optimiser}"));
        }
    }

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
