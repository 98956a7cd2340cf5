//! The second parser in production: one page in so many is kept before and after, and looked at when its
//! visitor has it. A pass that broke it is switched off for the page's template, and the log says so.

use std::rc::Rc;

use super::dom::MAX_BYTES;
use super::{Violation, check_by};
use crate::app::App;
use crate::html::passes::{Config, Contract, NAMES};
use crate::html::{Outcome, PageFacts, Rewriter};
use crate::learned::SwitchedOff;
use crate::ledger::Entry;
use crate::platform::Platform;

/// A page on its way, before and after the passes.
pub(crate) struct Sample {
    pair: Pair,
    applied: Vec<&'static str>,
    then: Box<dyn FnOnce(Pair, Vec<&'static str>)>,
}

/// A page before and after.
#[derive(Default)]
pub(crate) struct Pair {
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Sample {
    pub(crate) fn new(then: impl FnOnce(Pair, Vec<&'static str>) + 'static) -> Self {
        Self {
            pair: Pair::default(),
            applied: Vec::new(),
            then: Box::new(then),
        }
    }

    /// Takes a piece of the page. False when it has become too long to be looked at.
    pub(crate) fn take(&mut self, before: &[u8], after: &[u8]) -> bool {
        let Pair {
            before: kept_before,
            after: kept_after,
        } = &mut self.pair;
        kept_before.extend_from_slice(before);
        kept_after.extend_from_slice(after);
        kept_before.len().max(kept_after.len()) <= MAX_BYTES
    }

    /// The page has ended: which passes were at work.
    pub(crate) fn end(&mut self, rewriter: &Rewriter) {
        self.applied = applied(rewriter);
    }

    /// Every byte is with the visitor.
    pub(crate) fn complete(self) {
        (self.then)(self.pair, self.applied);
    }
}

pub(super) fn applied(rewriter: &Rewriter) -> Vec<&'static str> {
    let reports = rewriter.reports().into_iter();
    reports
        .filter(|report| matches!(report.outcome, Outcome::Applied(_)))
        .map(|report| report.pass)
        .collect()
}

/// How a page came about, so that it can be made again by one pass at a time.
pub(crate) struct Made {
    pub(crate) config: Config,
    pub(crate) facts: PageFacts,
    /// The ledger entry of the request, for the line that says what was found.
    pub(crate) entry: Entry,
}

/// Looks at a sampled page, and acts on what is found.
pub(crate) async fn look<P: Platform>(
    app: Rc<App>,
    platform: P,
    made: Made,
    pair: Pair,
    applied: Vec<&'static str>,
) {
    let contracts = app.contracts;
    // A page beyond the bounds is not checked.
    let found = check_by(contracts, &pair.before, &pair.after, &applied).unwrap_or_default();
    if found.is_empty() {
        return;
    }
    let culprits = culprits(contracts, &made, &pair.before, &applied, found);
    let now = platform.now_ms();
    let template = made.facts.template.clone();
    let switched_off: Vec<(String, SwitchedOff)> = culprits
        .iter()
        .map(|(pass, violation)| {
            let off = SwitchedOff {
                since_ms: now,
                policy: app.policy.version.clone(),
                why: why(violation),
            };
            ((*pass).to_owned(), off)
        })
        .collect();
    let told: Vec<String> = switched_off
        .iter()
        .map(|(pass, off)| format!("{pass}: {}", off.why))
        .collect();
    app.memory
        .change(&platform, &template, |learned| {
            learned.off.extend(switched_off);
        })
        .await;
    let line = Entry {
        at: now,
        route: "audit",
        error: Some(format!(
            "switched off for the template `{template}` by the second parser: {}",
            told.join("; ")
        )),
        ..made.entry
    };
    platform.record(&line.line());
}

/// What a violation is, in words that can stand in a log.
fn why(violation: &Violation) -> String {
    format!("it changed {}, at {}", violation.kind, violation.place)
}

/// The passes that break the page each by itself; all that were at work where none does.
fn culprits(
    contracts: &[(&'static str, Contract)],
    made: &Made,
    before: &[u8],
    applied: &[&'static str],
    found: Vec<Violation>,
) -> Vec<(&'static str, Violation)> {
    let alone = applied.iter().filter_map(|pass| {
        let mut config = made.config.clone();
        for name in NAMES.iter().filter(|name| *name != pass) {
            config.switch(name, false);
        }
        let mut rewriter = Rewriter::new(&config, made.facts.clone());
        let mut after = rewriter.write(before);
        after.extend(rewriter.end());
        let found = check_by(contracts, before, &after, &[*pass]).unwrap_or_default();
        found.into_iter().next().map(|violation| (*pass, violation))
    });
    let alone: Vec<_> = alone.collect();
    match found.into_iter().next() {
        Some(violation) if alone.is_empty() => applied
            .iter()
            .map(|pass| (*pass, violation.clone()))
            .collect(),
        _ => alone,
    }
}
