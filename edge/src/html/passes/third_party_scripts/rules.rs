//! A merchant's rules: which script, and what happens to it.

use serde::{Deserialize, Serialize};
use url::Url;

use super::super::super::url_pattern::UrlPattern;
use super::super::super::vendors::{self, Interface, Vendor};

/// `[[passes.third_party_scripts.rules]]`: names scripts by `vendor`, by `category` or by `match`, one of
/// the three.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// A vendor that Vitrine knows, such as `"google-tag-manager"`.
    ///
    /// ### Default
    /// None: a rule has this, `category` or `match`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "authoring", schemars(extend("enum" = vendors::names())))]
    pub vendor: Option<String>,
    /// Every known vendor of a kind, such as `"chat"`. One that must not be treated so is left as it is.
    ///
    /// ### Default
    /// None: a rule has this, `vendor` or `match`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// A URL pattern, such as `"https://tags.example/*"`. Whoever writes it vouches that no other script
    /// needs what these scripts define at once, and that they do not write into the document.
    ///
    /// ### Default
    /// None: a rule has this, `vendor` or `category`.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "authoring", schemars(extend("format" = "url-pattern")))]
    pub pattern: Option<String>,
    /// What happens to the script.
    ///
    /// ### Default
    /// None: a rule states it.
    #[cfg_attr(feature = "authoring", schemars(extend("x-never" = never())))]
    pub action: Action,
}

/// What a rule does with a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Stays as it is, whatever a later rule says.
    Leave,
    /// Loads beside the parser and runs as soon as it is there.
    Async,
    /// Loads beside the parser and runs after it, in document order.
    Defer,
    /// Loads and runs when the page has loaded and the browser is idle, or at the deadline.
    Idle,
    /// Does not load.
    Block,
}

/// What a vendor's scripts are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Makes pages usable for more people.
    Accessibility,
    /// Ad networks and their pixels.
    Advertising,
    /// Tells who sent a buyer.
    Affiliate,
    /// Counts and records visits.
    Analytics,
    /// Tells bots from people. Never touched.
    BotDetection,
    /// Has people prove that they are. Never touched.
    Captcha,
    /// Talks with visitors.
    Chat,
    /// Asks visitors what may run. Never touched.
    Consent,
    /// A/B tests, which change the page before it is seen. Never touched.
    Experiment,
    /// Judges orders. Never touched.
    Fraud,
    /// Code that other code calls. Never touched.
    Library,
    /// Maps.
    Maps,
    /// E-mail, pop-ups and push messages.
    Marketing,
    /// Reports errors, and so has to come first.
    Monitoring,
    /// Takes money. Never touched.
    Payment,
    /// Recommendations and search.
    Personalisation,
    /// Shows what buyers say.
    Reviews,
    /// Feeds and buttons of social networks.
    Social,
    /// Loads other tags.
    TagManager,
    /// Players.
    Video,
}

impl Category {
    #[cfg(test)]
    pub(in super::super::super) const ALL: &'static [Self] = &[
        Self::Accessibility,
        Self::Advertising,
        Self::Affiliate,
        Self::Analytics,
        Self::BotDetection,
        Self::Captcha,
        Self::Chat,
        Self::Consent,
        Self::Experiment,
        Self::Fraud,
        Self::Library,
        Self::Maps,
        Self::Marketing,
        Self::Monitoring,
        Self::Payment,
        Self::Personalisation,
        Self::Reviews,
        Self::Social,
        Self::TagManager,
        Self::Video,
    ];

    /// In words, as notes show it.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Accessibility => "accessibility",
            Self::Advertising => "advertising",
            Self::Affiliate => "affiliate",
            Self::Analytics => "analytics",
            Self::BotDetection => "bot detection",
            Self::Captcha => "captcha",
            Self::Chat => "chat",
            Self::Consent => "consent",
            Self::Experiment => "experiment",
            Self::Fraud => "fraud",
            Self::Library => "library",
            Self::Maps => "maps",
            Self::Marketing => "marketing",
            Self::Monitoring => "monitoring",
            Self::Payment => "payment",
            Self::Personalisation => "personalisation",
            Self::Reviews => "reviews",
            Self::Social => "social",
            Self::TagManager => "tag manager",
            Self::Video => "video",
        }
    }
}

/// Actions that other tools offer and this one never will, each with the reason.
#[cfg(feature = "authoring")]
fn never() -> serde_json::Value {
    let until_interaction = super::super::NEVER_UNTIL_INTERACTION;
    serde_json::json!({
        "delay": until_interaction,
        "delay_until_interaction": until_interaction,
        "interaction": until_interaction,
        "lazy": until_interaction,
        "scroll": until_interaction,
        "worker": "moving a script into a worker is not shipped: it changes what the script sees",
    })
}

impl Rule {
    /// What is wrong with the rule beyond its types: the key, and why.
    pub(super) fn problem(&self) -> Option<(&'static str, String)> {
        match (&self.vendor, self.category, &self.pattern) {
            (Some(id), None, None) => match vendors::by_id(id) {
                None => Some(("vendor", format!("`{id}` is not a vendor that is known"))),
                Some(vendor) => refusal_of_vendor(vendor, self.action).map(|why| ("action", why)),
            },
            (None, Some(category), None) => {
                let mut vendors = vendors::all().iter().filter(|v| v.category == category);
                let refused = vendors.all(|v| refusal_of_vendor(v, self.action).is_some());
                let why = || {
                    let category = category.words();
                    format!("no known vendor of this category ({category}) may be treated so")
                };
                refused.then(|| ("action", why()))
            }
            (None, None, Some(written)) => match UrlPattern::parse(written) {
                None => {
                    let why = format!("`{written}` has no host: write `//host/path`");
                    Some(("match", why))
                }
                Some(pattern) if pattern.names_everything() && self.action != Action::Leave => {
                    let why = "a rule for every script there is breaks shops, and is never \
                               shipped: name vendors, or hosts";
                    Some(("match", why.to_owned()))
                }
                Some(_) => None,
            },
            _ => {
                let why = "a rule has one of `vendor`, `category` and `match`";
                Some(("vendor", why.to_owned()))
            }
        }
    }
}

/// Why a vendor's scripts may not be treated so, if they may not.
pub(super) fn refusal_of_vendor(vendor: &Vendor, action: Action) -> Option<String> {
    if action == Action::Leave || vendor.actions.contains(&action) {
        return None;
    }
    let (id, category) = (vendor.id, vendor.category.words());
    if vendor.protected {
        return Some(format!("{id} is protected ({category})"));
    }
    Some(match vendor.interface {
        Interface::Global => format!("the page calls what {id} defines, at once"),
        Interface::Writes => format!("{id} writes into the document"),
        Interface::Queue | Interface::None => format!("{id} ({category}) must not run that late"),
    })
}

/// A rule, ready for use.
pub(super) struct CompiledRule {
    names: Names,
    pub(super) action: Action,
}

enum Names {
    Vendor(String),
    Category(Category),
    Pattern(UrlPattern),
}

impl CompiledRule {
    /// `None` for a rule that names nothing, which [`Rule::problem`] reports.
    pub(super) fn of(rule: &Rule) -> Option<Self> {
        let names = match (&rule.vendor, rule.category, &rule.pattern) {
            (Some(vendor), None, None) => Names::Vendor(vendor.clone()),
            (None, Some(category), None) => Names::Category(category),
            (None, None, Some(pattern)) => Names::Pattern(UrlPattern::parse(pattern)?),
            _ => return None,
        };
        Some(Self {
            names,
            action: rule.action,
        })
    }

    pub(super) fn names(&self, url: &Url, vendor: Option<&Vendor>) -> bool {
        match &self.names {
            Names::Vendor(id) => vendor.is_some_and(|vendor| vendor.id == id),
            Names::Category(category) => vendor.is_some_and(|v| v.category == *category),
            Names::Pattern(pattern) => pattern.matches(url),
        }
    }
}
