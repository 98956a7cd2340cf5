//! Who third-party scripts are from, and what may be done with them. The data is `vendors.json`.

use std::sync::OnceLock;

use url::Url;

use super::passes::third_party_scripts::{Action, Category};
use super::url_pattern::UrlPattern;

/// A vendor of third-party scripts.
#[derive(Debug)]
pub(super) struct Vendor {
    pub(super) id: &'static str,
    pub(super) category: Category,
    patterns: &'static [&'static str],
    /// The same, once they have been asked for.
    parsed: OnceLock<Vec<UrlPattern>>,
    pub(super) interface: Interface,
    /// What a rule may ask for, beside leaving the script as it is.
    pub(super) actions: &'static [Action],
    /// Never moved, renamed or blocked, whatever a rule says: consent, payment, captcha, fraud and bot
    /// detection, experiments that must run before paint, and libraries that others call.
    pub(super) protected: bool,
    /// Waits for Google's consent default.
    pub(super) google: bool,
}

/// How a page uses what a script defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interface {
    /// Through a queue that the vendor's inline snippet creates, so that it does not matter when the
    /// script arrives.
    Queue,
    /// Not at all: the script finds its elements by itself.
    None,
    /// By name: what calls it must come after it.
    Global,
    /// The script writes into the document while it is parsed.
    Writes,
}

// `VENDORS`, and `BY_DOMAIN`: which of them have a pattern for hosts of a domain, sorted by the domain's last
// two labels; the empty one stands for any host.
include!(concat!(env!("OUT_DIR"), "/vendors.rs"));

/// Every known vendor.
pub(super) fn all() -> &'static [Vendor] {
    &VENDORS
}

/// The vendor of this id.
pub(super) fn by_id(id: &str) -> Option<&'static Vendor> {
    VENDORS.iter().find(|vendor| vendor.id == id)
}

/// The ids of every vendor, as a rule may name them.
#[cfg(feature = "authoring")]
pub(super) fn names() -> Vec<&'static str> {
    VENDORS.iter().map(|vendor| vendor.id).collect()
}

/// The vendor of a script.
pub(super) fn of(url: &Url) -> Option<&'static Vendor> {
    candidates(url).find(|vendor| vendor.made(url))
}

/// Vendors that have a pattern for hosts of the URL's domain, or for any host.
fn candidates(url: &Url) -> impl Iterator<Item = &'static Vendor> {
    let host = url.host_str().unwrap_or_default();
    let start = host
        .rmatch_indices('.')
        .nth(1)
        .map_or(0, |(dot, _)| dot + 1);
    let of_domain = |domain: &str| {
        let found = BY_DOMAIN.binary_search_by_key(&domain, |(domain, _)| domain);
        found.map_or(&[][..], |at| BY_DOMAIN[at].1)
    };
    let places = of_domain(&host[start..]).iter().chain(of_domain(""));
    places.map(|at| &VENDORS[*at])
}

impl Vendor {
    /// Whether a script at this address is the vendor's.
    fn made(&self, url: &Url) -> bool {
        let parse = || {
            self.patterns
                .iter()
                .filter_map(|text| UrlPattern::parse(text))
                .collect()
        };
        let mut patterns = self.parsed.get_or_init(parse).iter();
        patterns.any(|pattern| pattern.matches(url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each vendor with the addresses that its documentation or its customers' pages give.
    fn examples() -> Vec<(String, Vec<Url>)> {
        let entries: Vec<serde_json::Value> =
            serde_json::from_str(include_str!("vendors.json")).unwrap();
        let urls = |entry: &serde_json::Value| {
            let examples = entry["examples"].as_array().unwrap().iter();
            examples
                .map(|url| Url::parse(url.as_str().unwrap()).unwrap())
                .collect()
        };
        entries
            .iter()
            .map(|entry| (entry["id"].as_str().unwrap().to_owned(), urls(entry)))
            .collect()
    }

    #[test]
    fn each_example_is_of_its_vendor_and_of_no_other() {
        for (id, urls) in examples() {
            for url in urls {
                let all: Vec<_> = all()
                    .iter()
                    .filter(|v| v.made(&url))
                    .map(|v| v.id)
                    .collect();
                assert_eq!(all, [id.as_str()], "{url}");
                assert_eq!(of(&url).map(|vendor| vendor.id), Some(id.as_str()), "{url}");
            }
        }
    }

    #[test]
    fn each_pattern_of_a_vendor_has_an_example() {
        for (vendor, (id, urls)) in all().iter().zip(examples()) {
            assert_eq!(vendor.id, id);
            for text in vendor.patterns {
                let pattern = UrlPattern::parse(text).expect(text);
                assert!(urls.iter().any(|url| pattern.matches(url)), "{id}: {text}");
            }
        }
    }

    #[test]
    fn no_vendor_that_the_page_calls_by_name_may_be_moved() {
        for vendor in all() {
            if vendor.protected {
                assert!(vendor.actions.is_empty(), "{}", vendor.id);
            } else if matches!(vendor.interface, Interface::Global | Interface::Writes) {
                assert_eq!(vendor.actions, [Action::Block], "{}", vendor.id);
            }
        }
    }

    #[test]
    fn what_counts_visitors_or_sales_is_never_held_until_idle() {
        use Category::{Advertising, Affiliate, Analytics, Monitoring, TagManager};
        for vendor in all() {
            if matches!(
                vendor.category,
                Advertising | Affiliate | Analytics | Monitoring | TagManager
            ) {
                assert!(!vendor.actions.contains(&Action::Idle), "{}", vendor.id);
            }
        }
    }

    #[test]
    fn what_decides_consent_payment_fraud_and_experiments_is_protected() {
        use Category::{BotDetection, Captcha, Consent, Experiment, Fraud, Library, Payment};
        for vendor in all() {
            let guarded = matches!(
                vendor.category,
                BotDetection | Captcha | Consent | Experiment | Fraud | Library | Payment
            );
            assert_eq!(vendor.protected, guarded, "{}", vendor.id);
        }
    }

    #[test]
    fn ids_are_unique_and_there_is_a_vendor_of_every_category() {
        let mut ids: Vec<_> = all().iter().map(|vendor| vendor.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all().len());
        assert!(ids.len() >= 200, "{}", ids.len());
        for category in Category::ALL {
            assert!(
                all().iter().any(|v| v.category == *category),
                "{category:?}"
            );
        }
    }

    #[test]
    fn a_look_alike_host_is_of_no_vendor() {
        for url in [
            "https://js.stripe.com.evil.example/v3/",
            "https://evil.example/js.stripe.com/v3/",
            "https://com/",
            "https://127.0.0.1:3001/tag.js",
            "https://localhost/gtm.js",
        ] {
            assert!(of(&Url::parse(url).unwrap()).is_none(), "{url}");
        }
    }
}
