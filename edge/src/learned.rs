//! What the edge keeps about templates beyond a request: hints, and passes that were switched off because
//! the second parser found them to break a page.
//!
//! The record of a template is one value in the host's durable store. An instance reads it at most once in
//! [`KEPT_MS`], so that a change reaches every page within a minute (H107), and no page waits for the store
//! twice.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::html::hints::TemplateHints;
use crate::payment::Pages;
use crate::platform::Platform;
use crate::preloads::Preloads;

/// How long an instance goes by what it has read, in milliseconds.
const KEPT_MS: u64 = 30_000;
/// Most templates that an instance remembers: as many as a policy can name.
const MAX_KEPT: usize = 65;

/// One template's record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Learned {
    /// What real visits have shown.
    pub(crate) hints: Option<Rc<TemplateHints>>,
    /// Passes that are off for this template, and why.
    pub(crate) off: BTreeMap<String, SwitchedOff>,
    /// Which of its pages take payments.
    pub(crate) pages: Pages,
    /// Which image preloads its pages need.
    pub(crate) preloads: Preloads,
    /// Hinted addresses that a page no longer had, or that were not found (H99).
    pub(crate) stale: Vec<String>,
}

/// Most addresses that are remembered as stale: more than a file of hints can name for a template.
const MAX_STALE: usize = 256;

impl Learned {
    /// Passes that are off under a policy, and what a merchant reads of it.
    pub(crate) fn switched_off(&self, policy: &str) -> BTreeMap<String, String> {
        let off = self.off.iter().filter(|(_, off)| off.policy == policy);
        off.map(|(pass, off)| (pass.clone(), off.told())).collect()
    }

    /// The hints that name a file of the shop, as they write its address.
    pub(crate) fn hinted_as(&self, file: &Url) -> Vec<String> {
        let groups = self.hints.iter().flat_map(|hints| &hints.groups);
        let addresses = groups
            .flat_map(|group| &group.resources)
            .map(|hint| &hint.url);
        addresses
            .filter(|address| file.join(address).is_ok_and(|url| url == *file))
            .cloned()
            .collect()
    }

    /// Hinted addresses that a page no longer has are never hinted again, until hints are imported anew (H99).
    pub(crate) fn drop_hints(&mut self, addresses: Vec<String>) {
        if let Some(hints) = &mut self.hints {
            for group in &mut Rc::make_mut(hints).groups {
                group
                    .resources
                    .retain(|hint| !addresses.contains(&hint.url));
            }
        }
        for address in addresses {
            if self.stale.len() < MAX_STALE && !self.stale.contains(&address) {
                self.stale.push(address);
            }
        }
    }
}

/// Why a pass is off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SwitchedOff {
    /// Since when, in milliseconds since the Unix epoch.
    pub(crate) since_ms: u64,
    /// Digest of the policy under which it was found: under another one the pass is tried again.
    #[serde(default)]
    pub(crate) policy: String,
    /// Why, as a sentence.
    pub(crate) why: String,
}

impl SwitchedOff {
    fn told(&self) -> String {
        format!(
            "switched off by the second parser since {}, until vitrine.toml changes: {}",
            day(self.since_ms),
            self.why
        )
    }
}

/// The day of a moment, as `2026-11-24`.
fn day(ms: u64) -> String {
    // Days in eras of 400 years that begin on the 1st of March, so that leap days come last.
    let days = ms / 86_400_000 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let years = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * years + years / 4 - years / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = match month {
        0..=9 => (years + era * 400, month + 3),
        _ => (years + era * 400 + 1, month - 9),
    };
    format!("{year}-{month:02}-{day:02}")
}

/// What an instance has read, and when.
#[derive(Debug, Default)]
pub(crate) struct Memory(RefCell<BTreeMap<String, (u64, Rc<Learned>)>>);

impl Memory {
    /// A template's record. One that is absent or cannot be read is empty: nothing is known.
    pub(crate) async fn of<P: Platform>(&self, platform: &P, template: &str) -> Rc<Learned> {
        let now = platform.now_ms();
        if let Some((read, learned)) = self.0.borrow().get(template)
            && now.saturating_sub(*read) < KEPT_MS
        {
            return Rc::clone(learned);
        }
        let learned = Rc::new(read(platform, template).await);
        self.keep(template, now, Rc::clone(&learned));
        learned
    }

    /// The templates that this instance has read about.
    pub(crate) fn templates(&self) -> BTreeSet<String> {
        self.0.borrow().keys().cloned().collect()
    }

    /// Changes a template's record, in the store and here. Two changes at the same moment may cost one of
    /// them; each is made again by the next page that shows the same.
    pub(crate) async fn change<P: Platform>(
        &self,
        platform: &P,
        template: &str,
        change: impl FnOnce(&mut Learned),
    ) {
        let before = read(platform, template).await;
        let mut learned = before.clone();
        change(&mut learned);
        if learned != before
            && let Ok(value) = serde_json::to_vec(&learned)
        {
            platform.state_put(&key(template), value).await;
        }
        self.keep(template, platform.now_ms(), Rc::new(learned));
    }

    fn keep(&self, template: &str, now: u64, learned: Rc<Learned>) {
        let mut kept = self.0.borrow_mut();
        if kept.len() >= MAX_KEPT && !kept.contains_key(template) {
            kept.clear();
        }
        kept.insert(template.to_owned(), (now, learned));
    }
}

fn key(template: &str) -> String {
    format!("template:{template}")
}

/// A template's record as it is in the store now.
pub(crate) async fn read<P: Platform>(platform: &P, template: &str) -> Learned {
    let value = platform.state_get(&key(template)).await;
    value
        .and_then(|value| serde_json::from_slice(&value).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (1_709_251_200, "2024-03-01"),
            (1_795_478_400, "2026-11-24"),
            (1_798_761_599, "2026-12-31"),
        ] {
            assert_eq!(day(seconds * 1000), expected);
        }
    }
}
