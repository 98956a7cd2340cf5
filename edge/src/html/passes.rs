//! THE registry of passes: one file and one line per pass.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use super::image_preload::ImagePreload;
use super::page::{Page, PageFacts};
use super::tag::Tag;

/// What a pass declares of itself, beside its options: its place among the others, and what it may change.
/// `vitrine check` reads the first two, the second parser (`crate::audit`) the third.
#[derive(Debug, Clone, Copy)]
pub struct Contract {
    /// Passes that see each tag before this one; the registry's order is held against it.
    pub after: &'static [&'static str],
    /// Passes that this one cannot be on together with, and why, as the end of a sentence.
    pub conflicts: &'static [(&'static str, &'static str)],
    /// Every way in which the page may differ afterwards.
    pub edits: &'static [Edit],
}

impl Contract {
    /// A pass without a place of its own that changes nothing.
    pub(super) const READS: Self = Self {
        after: &[],
        conflicts: &[],
        edits: &[],
    };
}

/// One way in which a pass may change a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// Inserts elements of this name. Each carries `data-v` with the pass's name, and so is told from the
    /// page's own; what is in it counts as inserted too.
    Inserts(&'static str),
    /// Adds, changes or removes this attribute of elements of this name (`*`: of any).
    Attribute(&'static str, &'static str),
    /// Adds this header to the response.
    Header(&'static str),
    /// Scripts that a merchant's rule names may run at another time, or not at all.
    MovesScripts,
}

/// What a pass does with a page, once it has decided to apply.
pub(super) trait Pass {
    /// CSS selectors whose matches the pass wants to know of, see [`Tag::matched`]. An element that one of
    /// them matches is shown to the pass whatever its name.
    fn selectors(&self) -> Vec<String> {
        Vec::new()
    }

    /// Names of elements that the pass wants to see beside those that every pass sees
    /// (`base iframe img link meta script style title`).
    fn elements(&self) -> &'static [&'static str] {
        &[]
    }

    /// Why the pass has nothing to do on a page where these others run, if it has not: what guards other
    /// passes is of no use alone.
    fn redundant(&self, _others: &[&Contract]) -> Option<&'static str> {
        None
    }

    /// Before anything else: nothing of the page has been seen.
    fn begin(&mut self, _page: &Page, _receipt: &mut Receipt) {}

    /// Headers to add to the response, before its head is sent. Nothing of the body is known then.
    fn response_headers(
        &mut self,
        _page: &Page,
        _receipt: &mut Receipt,
    ) -> Vec<(HeaderName, HeaderValue)> {
        Vec::new()
    }

    /// Whether the pass changes anything. Where none does, the page is not even parsed.
    fn changes(&self) -> bool {
        true
    }

    /// Whether the pass acts behind the head too. Once no pass does, the rest of the page is not parsed.
    fn acts_in_body(&self) -> bool {
        true
    }

    /// Whether the pass wants to see inline scripts.
    fn reads_inline_scripts(&self) -> bool {
        false
    }

    /// A start tag that a browser would act on.
    fn start_tag(&mut self, _tag: &mut Tag<'_, '_, '_>, _page: &Page, _receipt: &mut Receipt) {}

    /// The text of an inline script that has just ended, as bytes.
    fn inline_script(&mut self, _text: &[u8], _page: &Page, _receipt: &mut Receipt) {}

    /// The end of the head, explicit or implied: what to insert there.
    fn head_end(&mut self, _page: &Page, _receipt: &mut Receipt) -> Option<String> {
        None
    }

    /// The end of the document, when everything has been seen. Nothing can be inserted any more.
    fn document_end(&mut self, _page: &Page, _receipt: &mut Receipt) {}
}

/// A pass's decision about a page, before its first byte.
pub(super) enum Decision {
    Apply(Box<dyn Pass>),
    Skip(Cow<'static, str>),
}

impl Decision {
    pub(super) fn skip(reason: &'static str) -> Self {
        Self::Skip(Cow::Borrowed(reason))
    }
}

/// Most notes kept per pass and page: enough to explain any real page, and a bound for a hostile one.
const MAX_NOTES: usize = 40;
/// Longest note, in bytes.
const MAX_NOTE: usize = 300;

/// What a pass has done to a page so far.
#[derive(Debug, Default, Clone)]
pub(super) struct Receipt {
    pub(super) applied: u32,
    /// Why the pass did nothing, or stopped.
    pub(super) stopped: Option<Cow<'static, str>>,
    /// Why no pass may do anything from here on.
    pub(super) halted: Option<&'static str>,
    /// Another optimiser that decides when scripts run, just found.
    pub(super) other_optimiser: Option<&'static str>,
    pub(super) notes: Vec<String>,
    /// What shows that the page takes payments.
    pub(super) payment: Option<String>,
    /// The page's scripts, where they are listed.
    pub(super) scripts: Vec<String>,
    /// The preloads of images that the page needs, where they are others than was known of it.
    pub(super) preloads: Option<Vec<ImagePreload>>,
    /// Style sheets of the shop that the page links.
    pub(super) sheets: Vec<css::Linked>,
    /// Hinted addresses that the page no longer has.
    pub(super) stale: Vec<String>,
    /// Bytes that the pass has added to the page, less those that it has taken away.
    pub(super) bytes: i64,
    /// Microseconds spent in the pass, where time is taken.
    pub(super) micros: Option<u64>,
}

impl Receipt {
    pub(super) fn applied(&mut self) {
        self.applied += 1;
    }

    /// Records why nothing is done from here on. The first reason stays.
    pub(super) fn stop(&mut self, reason: impl Into<Cow<'static, str>>) {
        self.stopped.get_or_insert(reason.into());
    }

    /// Ends every pass on this page, from this very element on: what passes after this one would do to it
    /// stays undone.
    pub(super) fn halt(&mut self, reason: &'static str) {
        self.halted.get_or_insert(reason);
        self.stop(reason);
    }

    /// Records that something is not inserted, and why: it is all there is to say of a pass that does nothing
    /// else, and a line beside what the pass has done.
    pub(super) fn refuse(&mut self, reason: &'static str) {
        if self.applied > 0 {
            self.note_once(format!("not inserted: {reason}"));
        }
        self.stop(reason);
    }

    /// Adds a line for `explain` unless it is there.
    pub(super) fn note_once(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.note(|| note);
        }
    }

    /// Ends every pass that moves scripts on this page, from this very element on: another optimiser does.
    pub(super) fn leave_scripts_to(&mut self, optimiser: &'static str) {
        self.other_optimiser.get_or_insert(optimiser);
    }

    /// Adds a line for `explain`, as long as there is room.
    pub(super) fn note(&mut self, note: impl FnOnce() -> String) {
        if self.notes.len() < MAX_NOTES {
            let mut note = note();
            let mut end = note.len().min(MAX_NOTE);
            while !note.is_char_boundary(end) {
                end -= 1;
            }
            note.truncate(end);
            self.notes.push(note);
        }
    }
}

/// Something wrong with the options of a pass that their types cannot express.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, from `passes` down: `passes.preconnect.origins.2`.
    pub key: String,
    /// What is wrong, and what was expected.
    pub message: String,
}

/// What is wrong with a pass's options beyond their types: nothing, unless they have a method of this name themselves.
trait Problems {
    fn problems(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}

impl<O> Problems for O {}

/// What is wrong with the selectors of a pass's rules.
fn selector_problems<'a>(selectors: impl Iterator<Item = &'a String>) -> Vec<(String, String)> {
    selectors
        .enumerate()
        .filter_map(|(i, selector)| {
            let error = selector.parse::<lol_html::Selector>().err()?;
            Some((format!("rules.{i}.selector"), error.to_string()))
        })
        .collect()
}

/// What the user documentation says of a pass, from the head of its file.
#[cfg(feature = "authoring")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Docs {
    /// The pass's name, its key under `[passes]`.
    pub name: &'static str,
    /// What it does.
    pub what: String,
    /// Why it helps.
    pub why: String,
    /// When it stays away.
    pub away: String,
    /// Example.
    pub example: String,
    /// Whether it is on where nothing is written about it.
    pub on: bool,
}

/// Why nothing ever waits for a visitor to act.
#[cfg(feature = "authoring")]
const NEVER_UNTIL_INTERACTION: &str = "scripts that wait for the first click or scroll are never shipped: \
    visits go uncounted and clicks are lost; `idle`, by vendor, has a deadline";

/// Passes that other optimisers offer and this one never will, each with the reason.
#[cfg(feature = "authoring")]
fn never() -> serde_json::Value {
    let blanket = "deferring every script is never shipped: it breaks what relies on their order; name \
                   vendors in `[[passes.third_party_scripts.rules]]`";
    let obsolete = "not shipped: with HTTP/2 it costs more than it saves";
    serde_json::json!({
        "combine_css": obsolete,
        "combine_js": obsolete,
        "defer_all": blanket,
        "defer_js": blanket,
        "defer_scripts": blanket,
        "delay_js": NEVER_UNTIL_INTERACTION,
        "delay_scripts": NEVER_UNTIL_INTERACTION,
        "delay_until_interaction": NEVER_UNTIL_INTERACTION,
        "inline_css": obsolete,
        "inline_js": obsolete,
        "minify_html": "not shipped: white space is text, and compression leaves next to nothing to save",
        "minify_js": "not shipped: this is the shop's build's job",
        "collapse_whitespace": "not shipped: white space is text, and compression leaves next to nothing to save",
    })
}

#[cfg(feature = "authoring")]
impl Docs {
    /// How it is switched off, or on where it is off by default.
    pub fn switch(&self) -> String {
        let (is, other) = if self.on {
            ("on", false)
        } else {
            ("off", true)
        };
        format!(
            "It is {is} unless the file says `enabled = {other}` under `[passes.{}]`. An entry in `[[overrides]]` \
             switches it for some templates, paths or parts of pages.",
            self.name
        )
    }
}

/// Declares the passes. Their order is the order in which they see each tag, and the order of reports.
macro_rules! passes {
    ($($name:ident),* $(,)?) => {
        $(pub mod $name;)*

        /// `[passes]`: what may be done to pages.
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
        #[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
        #[cfg_attr(feature = "authoring", schemars(extend("x-never" = never())))]
        #[serde(deny_unknown_fields, default)]
        pub struct Config {
            $(
                #[doc = concat!("`[passes.", stringify!($name), "]`")]
                pub $name: $name::Options,
            )*
        }

        /// The name of every pass, in order.
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];

        impl Config {
            /// Every pass switched off.
            pub fn off() -> Self {
                let mut config = Self::default();
                $(config.$name.enabled = false;)*
                config
            }

            /// Whether every pass that may change a page is switched off.
            pub fn is_off(&self) -> bool {
                true $(&& (!self.$name.enabled || $name::CONTRACT.edits.is_empty()))*
            }

            /// Whether a pass is switched on. `None` where there is no pass of that name.
            pub fn is_enabled(&self, pass: &str) -> Option<bool> {
                match pass {
                    $(stringify!($name) => Some(self.$name.enabled),)*
                    _ => None,
                }
            }

            /// Switches a pass on or off. A name that no pass has changes nothing.
            pub fn switch(&mut self, pass: &str, enabled: bool) {
                match pass {
                    $(stringify!($name) => self.$name.enabled = enabled,)*
                    _ => {}
                }
            }

            /// What is wrong with these options beyond their types.
            pub fn problems(&self) -> Vec<Problem> {
                let mut problems = Vec::new();
                $(
                    for (key, message) in self.$name.problems() {
                        let key = format!(concat!("passes.", stringify!($name), ".{}"), key);
                        problems.push(Problem { key, message });
                    }
                )*
                problems
            }

            /// Each pass's decision about a page.
            pub(super) fn decide(
                &self,
                facts: &PageFacts,
            ) -> Vec<(&'static str, &'static Contract, Decision)> {
                vec![$((
                    stringify!($name),
                    &$name::CONTRACT,
                    match facts.off.get(stringify!($name)) {
                        _ if !self.$name.enabled => Decision::skip("switched off"),
                        Some(why) => Decision::Skip(why.clone().into()),
                        None => $name::decide(&self.$name, facts),
                    },
                )),*]
            }
        }

        /// What each pass declares of itself, in order.
        pub const CONTRACTS: &[(&str, Contract)] = &[$((stringify!($name), $name::CONTRACT)),*];

        /// What the user documentation says of every pass, in order.
        #[cfg(feature = "authoring")]
        pub fn docs() -> Vec<Docs> {
            let default = Config::default();
            vec![$(Docs::parse(
                stringify!($name),
                include_str!(concat!("passes/", stringify!($name), ".rs")),
                default.$name.enabled,
            )),*]
        }
    };
}

passes! {
    payment_guard,
    bfcache,
    opt_outs,
    other_optimisers,
    early_hints,
    preload,
    preconnect,
    font_fallback_metrics,
    google_fonts,
    css,
    third_party_scripts,
    critical_css,
    facades,
    content_visibility,
    size_images,
    responsive_images,
    lcp_image,
    lazy_images,
    speculation_rules,
    inject_rum,
}

#[cfg(feature = "authoring")]
impl Docs {
    fn parse(name: &'static str, source: &str, on: bool) -> Self {
        let mut chapters: [String; 4] = Default::default();
        let titles = [
            "What it does",
            "Why it helps",
            "When it stays away",
            "Example",
        ];
        let mut current = None;
        for line in source.lines().map_while(|line| line.strip_prefix("//!")) {
            let line = line.strip_prefix(' ').unwrap_or(line);
            if let Some(title) = line.strip_prefix("## ") {
                current = titles.iter().position(|t| *t == title);
            } else if let Some(chapter) = current.and_then(|i| chapters.get_mut(i)) {
                chapter.push_str(line);
                chapter.push('\n');
            }
        }
        let [what, why, away, example] = chapters.map(|chapter| chapter.trim().to_owned());
        Self {
            name,
            what,
            why,
            away,
            example,
            on,
        }
    }
}

#[cfg(all(test, feature = "authoring"))]
mod tests {
    use super::*;

    #[test]
    fn a_pass_comes_after_those_that_it_names() {
        let place = |pass: &str| NAMES.iter().position(|name| *name == pass);
        for (at, (pass, contract)) in CONTRACTS.iter().enumerate() {
            for before in contract.after {
                assert!(place(before).is_some_and(|b| b < at), "{pass}: {before}");
            }
            for (other, why) in contract.conflicts {
                assert!(place(other).is_some() && !why.is_empty(), "{pass}: {other}");
            }
        }
    }

    #[test]
    fn every_pass_has_the_four_chapters_of_its_documentation() {
        for docs in docs() {
            for chapter in [&docs.what, &docs.why, &docs.away, &docs.example] {
                assert!(chapter.len() > 20, "{}: {docs:?}", docs.name);
            }
        }
    }
}
