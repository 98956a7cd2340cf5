//! A beacon, version 1, as it comes over the wire: which keys there are, of which type, within which limits.
//!
//! Unknown keys, wrong types and missing keys are one kind of error ([`Fault::Schema`]); values of the right
//! type outside their limits are another ([`Fault::Range`]). Nothing is clamped: a value that cannot be is not
//! turned into one that can.

use crate::json::{self, Json};
use fields::Fields;

mod fields;

/// Largest body of a beacon, in bytes. A full one takes about 400.
pub(crate) const MAX_BODY: usize = 8_192;

/// What one page view reports of itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Beacon {
    pub(crate) token: String,
    pub(crate) view: String,
    pub(crate) seq: u8,
    pub(crate) navigation: Navigation,
    pub(crate) age_ms: u32,
    pub(crate) lcp_ms: Option<u32>,
    pub(crate) fcp_ms: Option<u32>,
    pub(crate) ttfb_ms: Option<u32>,
    pub(crate) inp_ms: Option<u32>,
    /// The layout shift score times 10,000.
    pub(crate) cls_1e4: Option<u32>,
    pub(crate) lcp_parts: Option<[u32; 4]>,
    pub(crate) inp_parts: Option<[u32; 3]>,
    pub(crate) lcp_target: Option<String>,
    pub(crate) inp_target: Option<String>,
    pub(crate) cls_target: Option<String>,
    pub(crate) lcp_path: Option<String>,
    pub(crate) inp_script: Option<String>,
    pub(crate) viewport: Option<u16>,
    pub(crate) device_memory: Option<f64>,
    pub(crate) effective_type: Option<EffectiveType>,
    pub(crate) save_data: bool,
    pub(crate) events: Vec<Event>,
    pub(crate) revenue: Option<Revenue>,
    pub(crate) errors: Option<u16>,
    /// `navigator.webdriver`.
    pub(crate) automated: bool,
}

/// Why a body is no beacon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Not JSON as it is accepted.
    Malformed,
    /// Not the fields of a beacon.
    Schema,
    /// A field outside its limits, or fields that contradict each other.
    Range,
}

/// A closed choice that travels as a word.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name { $($variant),+ }

        impl $name {
            fn of(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }

            pub(crate) fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

words! {
    /// How the visitor came to the page, in web-vitals' words.
    Navigation {
        Navigate = "navigate",
        Reload = "reload",
        BackForward = "back-forward",
        BackForwardCache = "back-forward-cache",
        Prerender = "prerender",
        Restore = "restore",
        Soft = "soft-navigation",
    }
}
words! {
    /// `navigator.connection.effectiveType`.
    EffectiveType { Slow2g = "slow-2g", G2 = "2g", G3 = "3g", G4 = "4g" }
}

/// Something that happened during a page view, in Google Analytics' words.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) value: Option<f64>,
}

/// What a purchase was worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Revenue {
    pub(crate) minor: i64,
    pub(crate) currency: String,
    /// Tells one order from another without naming it.
    pub(crate) order: String,
}

impl Beacon {
    /// Reads a body: JSON first, then all of the schema, then the limits.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Fault> {
        let Json::Object(fields) = json::read(body).ok_or(Fault::Malformed)? else {
            return Err(Fault::Schema);
        };
        let mut fields = Fields::new(fields);
        let beacon = fields.beacon()?;
        if fields.out_of_range() || beacon.contradicts_itself() {
            return Err(Fault::Range);
        }
        Ok(beacon)
    }

    fn contradicts_itself(&self) -> bool {
        let parts_off = match (self.lcp_parts, self.lcp_ms) {
            (Some(parts), Some(lcp)) => {
                let sum: u64 = parts.iter().map(|part| u64::from(*part)).sum();
                // Two milliseconds for the rounding of four parts, and one percent.
                sum.abs_diff(u64::from(lcp)) as f64 > 2.0 + f64::from(lcp) / 100.0
            }
            (Some(_), None) => true,
            (None, _) => false,
        };
        let revenue_without_purchase =
            self.revenue.is_some() && !self.events.iter().any(|event| event.name == "purchase");
        parts_off || revenue_without_purchase
    }
}

/// Takes out of free text what must not be kept: control characters, queries, and anything that looks like
/// an e-mail address or a card or telephone number.
fn scrub(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    let path = text.split('?').next().unwrap_or_default();
    without_long_numbers(&without_addresses(path))
}

/// Replaces every run of address characters around an `@` (or its percent-encoding).
fn without_addresses(text: &str) -> String {
    let text = text.replace("%40", "@");
    if !text.contains('@') {
        return text;
    }
    let part_of_address =
        |c: char| c.is_alphanumeric() || matches!(c, '@' | '.' | '_' | '-' | '+' | '%');
    let mut clean = String::new();
    let mut run = String::new();
    for c in text.chars().chain(std::iter::once('\0')) {
        if part_of_address(c) {
            run.push(c);
            continue;
        }
        clean.push_str(if run.contains('@') { "{address}" } else { &run });
        run.clear();
        if c != '\0' {
            clean.push(c);
        }
    }
    clean
}

/// Replaces every run of nine digits and more.
fn without_long_numbers(text: &str) -> String {
    let mut clean = String::new();
    let mut run = String::new();
    for c in text.chars().chain(std::iter::once('\0')) {
        if c.is_ascii_digit() {
            run.push(c);
            continue;
        }
        clean.push_str(if run.len() >= 9 { "{number}" } else { &run });
        run.clear();
        if c != '\0' {
            clean.push(c);
        }
    }
    clean
}

#[cfg(test)]
mod tests;
