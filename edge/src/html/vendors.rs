//! Who third-party scripts are from, and what may be done with them. The data is `vendors.json`.

use std::sync::LazyLock;

use serde::Deserialize;
use url::Url;

use super::passes::third_party_scripts::Action;
use super::url_pattern::UrlPattern;

/// A vendor of third-party scripts.
#[derive(Debug, Clone)]
pub(super) struct Vendor {
    pub(super) id: String,
    pub(super) category: String,
    patterns: Vec<UrlPattern>,
    pub(super) interface: Interface,
    /// What a rule may ask for.
    pub(super) actions: Vec<Action>,
    /// Never moved, renamed or blocked, whatever a rule says: consent, payment, captcha, fraud and bot
    /// detection, experiments that must run before paint, and libraries that others call.
    pub(super) protected: bool,
    /// Waits for Google's consent default.
    pub(super) google: bool,
}

/// How a page uses what a script defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Interface {
    /// Through a queue that the vendor's inline snippet creates, so that it does not matter when the
    /// script arrives.
    Queue,
    /// Not at all: the script finds its elements by itself.
    None,
    /// By name: what calls it must come after it.
    #[default]
    Global,
    /// The script writes into the document while it is parsed.
    Writes,
}

/// Every known vendor. `None` when the data is unreadable, and then nothing may be moved: who must be
/// protected is not known.
pub(super) fn all() -> Option<&'static [Vendor]> {
    static VENDORS: LazyLock<Option<Vec<Vendor>>> =
        LazyLock::new(|| read(include_str!("vendors.json")));
    VENDORS.as_deref()
}

/// The ids of every vendor, as a rule may name them.
#[cfg(feature = "authoring")]
pub(super) fn names() -> Vec<&'static str> {
    let vendors = all().unwrap_or_default();
    vendors.iter().map(|vendor| vendor.id.as_str()).collect()
}

/// The vendor of a script.
pub(super) fn of(url: &Url) -> Option<&'static Vendor> {
    all()?
        .iter()
        .find(|vendor| vendor.patterns.iter().any(|pattern| pattern.matches(url)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    category: String,
    r#match: Vec<String>,
    #[serde(default)]
    interface: Interface,
    #[serde(default)]
    actions: Vec<Action>,
    #[serde(default)]
    protected: bool,
    #[serde(default)]
    google: bool,
}

fn read(json: &str) -> Option<Vec<Vendor>> {
    let entries: Vec<Entry> = serde_json::from_str(json).ok()?;
    entries
        .into_iter()
        .map(|entry| {
            let patterns = entry.r#match.iter().map(|text| UrlPattern::parse(text));
            Some(Vendor {
                patterns: patterns.collect::<Option<_>>()?,
                id: entry.id,
                category: entry.category,
                interface: entry.interface,
                actions: entry.actions,
                protected: entry.protected,
                google: entry.google,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_vendor_that_the_page_calls_by_name_may_be_moved() {
        let vendors = all().expect("vendors.json is readable");
        assert!(vendors.len() > 25);
        for vendor in vendors {
            if vendor.protected {
                assert!(vendor.actions.is_empty(), "{}", vendor.id);
            } else if matches!(vendor.interface, Interface::Global | Interface::Writes) {
                assert_eq!(vendor.actions, [Action::Block], "{}", vendor.id);
            }
        }
    }

    #[test]
    fn ids_are_unique() {
        let mut ids: Vec<_> = all().unwrap().iter().map(|vendor| &vendor.id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), all().unwrap().len());
    }

    #[test]
    fn a_payment_script_is_protected_and_a_tag_manager_is_known() {
        let of = |url: &str| of(&Url::parse(url).unwrap());
        assert!(of("https://js.stripe.com/v3/").unwrap().protected);
        assert!(
            of("https://www.google.com/recaptcha/api.js")
                .unwrap()
                .protected
        );
        let gtm = of("https://www.googletagmanager.com/gtm.js?id=GTM-1").unwrap();
        assert_eq!((gtm.id.as_str(), gtm.google), ("google-tag-manager", true));
        assert!(of("https://js.stripe.com.evil.example/v3/").is_none());
    }
}
