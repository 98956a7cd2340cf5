//! A beacon, version 1, as it comes over the wire: which keys there are, of which type, within which limits.
//!
//! Unknown keys, wrong types and missing keys are one kind of error ([`Fault::Schema`]); values of the right
//! type outside their limits are another ([`Fault::Range`]). Nothing is clamped: a value that cannot be is not
//! turned into one that can.

use crate::json::{self, Json};

/// Largest body of a beacon, in bytes. A full one takes about 400.
pub(crate) const MAX_BODY: usize = 8_192;

/// Longest selector, in bytes.
const MAX_SELECTOR: usize = 128;
/// Longest LCP resource path, in bytes.
const MAX_PATH: usize = 256;
/// Most events of one page view.
const MAX_EVENTS: usize = 16;

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
        let mut fields = Fields {
            fields,
            out_of_range: false,
        };
        let beacon = fields.beacon().ok_or(Fault::Schema)?;
        if fields.out_of_range || beacon.contradicts_itself() {
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

/// The fields of a beacon that were not read yet.
///
/// `None` from a method is an error of the schema; `Some(None)` an optional field that is not there. A value
/// outside its limits is noted and reading goes on, so that an error of the schema is always told first.
struct Fields {
    fields: Vec<(String, Json)>,
    out_of_range: bool,
}

impl Fields {
    fn beacon(&mut self) -> Option<Beacon> {
        if self.integer("v", 0, 255)?? != 1 {
            return None;
        }
        let beacon = Beacon {
            token: self.text("k", usize::MAX)??,
            view: self.view_id()?,
            seq: self.integer("q", 0, 15)?? as u8,
            navigation: Navigation::of(&self.text("n", usize::MAX)??)?,
            age_ms: self.integer("t", 0, 86_400_000)?? as u32,
            lcp_ms: self.milliseconds("lcp", 600_000.0)?,
            fcp_ms: self.milliseconds("fcp", 600_000.0)?,
            ttfb_ms: self.milliseconds("ttfb", 120_000.0)?,
            inp_ms: self.integer("inp", 0, 60_000)?.map(|ms| ms as u32),
            cls_1e4: self
                .number("cls", 100.0)?
                .map(|score| (score * 10_000.0).round() as u32),
            lcp_parts: self.parts("ls", 600_000)?,
            inp_parts: self.parts("is", 60_000)?,
            lcp_target: self.clean("la", MAX_SELECTOR)?,
            inp_target: self.clean("ia", MAX_SELECTOR)?,
            cls_target: self.clean("ca", MAX_SELECTOR)?,
            lcp_path: self.clean("lu", MAX_PATH)?,
            inp_script: self.clean("iv", MAX_SELECTOR)?,
            viewport: self.integer("vw", 0, 16_384)?.map(|px| px as u16),
            device_memory: self.number("dm", 1_024.0)?,
            effective_type: self.effective_type()?,
            save_data: self.flag("sd")?,
            events: self.events()?,
            revenue: self.revenue()?,
            errors: self.integer("er", 0, 65_535)?.map(|n| n as u16),
            automated: self.flag("wd")?,
        };
        // What is left is no field of a beacon.
        self.fields.is_empty().then_some(beacon)
    }

    fn take(&mut self, key: &str) -> Option<Json> {
        let at = self.fields.iter().position(|(name, _)| name == key)?;
        Some(self.fields.swap_remove(at).1)
    }

    fn within(&mut self, inside: bool) {
        self.out_of_range |= !inside;
    }

    fn number(&mut self, key: &str, most: f64) -> Option<Option<f64>> {
        match self.take(key) {
            None => Some(None),
            Some(Json::Number(value)) => {
                self.within((0.0..=most).contains(&value));
                Some(Some(value))
            }
            Some(_) => None,
        }
    }

    fn milliseconds(&mut self, key: &str, most: f64) -> Option<Option<u32>> {
        Some(self.number(key, most)?.map(|ms| ms.round() as u32))
    }

    fn integer(&mut self, key: &str, least: i64, most: i64) -> Option<Option<i64>> {
        match self.take(key) {
            None => Some(None),
            Some(value) => self.whole(&value, least, most).map(Some),
        }
    }

    fn whole(&mut self, value: &Json, least: i64, most: i64) -> Option<i64> {
        match value {
            Json::Number(value) if value.fract() == 0.0 => {
                self.within((least as f64..=most as f64).contains(value));
                Some(*value as i64)
            }
            _ => None,
        }
    }

    fn parts<const N: usize>(&mut self, key: &str, most: i64) -> Option<Option<[u32; N]>> {
        match self.take(key) {
            None => Some(None),
            Some(Json::List(list)) if list.len() == N => {
                let mut parts = [0; N];
                for (part, value) in parts.iter_mut().zip(&list) {
                    *part = self.whole(value, 0, most)? as u32;
                }
                Some(Some(parts))
            }
            Some(_) => None,
        }
    }

    fn text(&mut self, key: &str, longest: usize) -> Option<Option<String>> {
        match self.take(key) {
            None => Some(None),
            Some(Json::Text(text)) => {
                self.within(text.len() <= longest);
                Some(Some(text))
            }
            Some(_) => None,
        }
    }

    /// Free text, scrubbed.
    fn clean(&mut self, key: &str, longest: usize) -> Option<Option<String>> {
        Some(self.text(key, longest)?.map(|text| scrub(&text)))
    }

    fn view_id(&mut self) -> Option<String> {
        let id = self.text("i", 24)??;
        let base36 = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
        self.within(id.len() >= 8 && id.bytes().all(base36));
        Some(id)
    }

    fn effective_type(&mut self) -> Option<Option<EffectiveType>> {
        match self.text("ect", usize::MAX)? {
            None => Some(None),
            Some(word) => EffectiveType::of(&word).map(Some),
        }
    }

    /// `true`, `false`, `1` or `0`.
    fn flag(&mut self, key: &str) -> Option<bool> {
        match self.take(key) {
            None => Some(false),
            Some(Json::Bool(flag)) => Some(flag),
            Some(value @ Json::Number(_)) => Some(self.whole(&value, 0, 1)? == 1),
            Some(_) => None,
        }
    }

    fn events(&mut self) -> Option<Vec<Event>> {
        let list = match self.take("e") {
            None => return Some(Vec::new()),
            Some(Json::List(list)) => list,
            Some(_) => return None,
        };
        self.within(list.len() <= MAX_EVENTS);
        list.into_iter().map(|item| self.event(item)).collect()
    }

    fn event(&mut self, item: Json) -> Option<Event> {
        let Json::List(pair) = item else { return None };
        let [Json::Text(name), value]: [Json; 2] = pair.try_into().ok()? else {
            return None;
        };
        let known = matches!(
            name.as_str(),
            "view_item" | "add_to_cart" | "begin_checkout" | "purchase"
        );
        if !known {
            let own = name.strip_prefix("custom:")?;
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
            self.within((1..=24).contains(&own.len()) && own.bytes().all(plain));
        }
        let value = match value {
            Json::Null => None,
            Json::Number(value) => {
                self.within((0.0..=1e10).contains(&value));
                Some(value)
            }
            _ => return None,
        };
        Some(Event { name, value })
    }

    /// `[minor units, ISO 4217 code, hash of the order]`
    fn revenue(&mut self) -> Option<Option<Revenue>> {
        let list = match self.take("rv") {
            None => return Some(None),
            Some(Json::List(list)) => list,
            Some(_) => return None,
        };
        let [minor, Json::Text(currency), Json::Text(order)]: [Json; 3] = list.try_into().ok()?
        else {
            return None;
        };
        let minor = self.whole(&minor, 0, 10_000_000_000)?;
        self.within(currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase()));
        self.within(
            (8..=64).contains(&order.len()) && order.bytes().all(|b| b.is_ascii_alphanumeric()),
        );
        Some(Some(Revenue {
            minor,
            currency,
            order,
        }))
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
