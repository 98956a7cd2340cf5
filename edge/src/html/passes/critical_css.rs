//! ## What it does
//! Puts the style that a page needs first into the page itself, and lets the shop's own style sheets load
//! without holding the page back, on the templates that a rule names. When they are there they take over,
//! and the inserted style is removed. Experimental.
//! ## Why it helps
//! A browser shows nothing before every style sheet in the head is there: one or more round trips on top of
//! the page's own.
//! ## When it stays away
//! Templates without a rule. Pages whose content security policy does not allow an inline style or the
//! script that switches the sheets on: the links stay as they are. Sheets of other origins, alternate,
//! disabled and titled ones, those with an event handler, and those for print only. Scripts that measure the
//! page while it loads see it without the sheets: whoever writes a rule vouches that none does. Without
//! scripts, the sheets load as ever.
//! ## Example
//! `<link rel="stylesheet" href="/shop.css">` becomes `<style>…</style>`, a script, and
//! `<link rel="stylesheet" href="/shop.css" media="print" data-v-media="">`

use serde::{Deserialize, Serialize};
use url::Url;

use super::super::page::{Page, PageFacts};
use super::super::tag::Tag;
use super::{Contract, Decision, Edit, Pass, Receipt};
use crate::own;

mod sheet;

pub use sheet::MAX_BYTES;

/// Holds the media of a sheet that waits.
const MEDIA: &str = "data-v-media";

/// What this pass declares of itself.
pub(super) const CONTRACT: Contract = Contract {
    edits: &[
        Edit::Inserts("style"),
        Edit::Inserts("script"),
        Edit::Inserts("noscript"),
        Edit::Attribute("link", "media"),
        Edit::Attribute("link", MEDIA),
    ],
    ..Contract::READS
};

/// `[passes.critical_css]`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Whether the pass runs. It is experimental.
    ///
    /// ### Default
    /// `false`
    pub enabled: bool,
    /// The style of each template. `node loadtests/browser/critical.mjs --url …` makes it from a page.
    ///
    /// ### Default
    /// `[]`
    #[cfg_attr(feature = "authoring", schemars(length(max = 16)))]
    pub rules: Vec<Rule>,
}

/// `[[passes.critical_css.rules]]`: the style that pages of one template need first, as `file` or as `css`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The template's name, as in `templates.name`.
    ///
    /// ### Default
    /// None: a rule states it.
    #[cfg_attr(feature = "authoring", schemars(regex(pattern = "^[a-z0-9-]{1,32}$")))]
    pub template: String,
    /// A file with the style, from the folder of `vitrine.toml`. It is read with `vitrine.toml` itself, and
    /// has at most 32 KiB.
    ///
    /// ### Default
    /// None: a rule has either this or `css`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "authoring", schemars(length(min = 1, max = 4096)))]
    pub file: Option<String>,
    /// The style itself, at most 32 KiB.
    ///
    /// ### Default
    /// None: a rule has either this or `file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "authoring", schemars(length(min = 1, max = 32_768)))]
    pub css: Option<String>,
}

impl Options {
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let problem = |rule: &Rule| match (&rule.file, &rule.css) {
            (None, Some(css)) => Some(("css", sheet::problem(css)?)),
            (Some(_), None) => None,
            _ => Some(("template", "a rule has either `file` or `css`".to_owned())),
        };
        let rules = self.rules.iter().enumerate();
        rules
            .filter_map(|(i, rule)| {
                problem(rule).map(|(key, why)| (format!("rules.{i}.{key}"), why))
            })
            .collect()
    }

    /// Puts the content of the files that rules name in their place. `read` answers with a file's text.
    /// Tells, for each rule whose file cannot be used, its index and why.
    pub fn take_files(
        &mut self,
        mut read: impl FnMut(&str) -> Result<String, String>,
    ) -> Vec<(usize, String)> {
        let mut problems = Vec::new();
        for (index, rule) in self.rules.iter_mut().enumerate() {
            let Some(file) = &rule.file else { continue };
            let css = read(file).and_then(|css| match sheet::problem(&css) {
                Some(problem) => Err(problem),
                None => Ok(css),
            });
            match css {
                Ok(css) => {
                    rule.file = None;
                    rule.css = Some(css);
                }
                Err(why) => problems.push((index, why)),
            }
        }
        problems
    }
}

pub(super) fn decide(options: &Options, facts: &PageFacts) -> Decision {
    let mut rules = options.rules.iter();
    let Some(rule) = rules.find(|rule| rule.template == facts.template) else {
        return Decision::skip("no rule names the page's template");
    };
    match rule.css.as_deref().filter(|css| sheet::problem(css).is_none()) {
        Some(css) => Decision::Apply(Box::new(CriticalCss {
            css: sheet::ascii(css),
            begun: false,
            off: false,
            ended: false,
        })),
        None => Decision::skip("the rule's style is not there"),
    }
}

struct CriticalCss {
    css: String,
    /// The style and the script are in the page.
    begun: bool,
    off: bool,
    /// The head has ended: sheets in the body block what follows them only, and stay.
    ended: bool,
}

impl Pass for CriticalCss {
    fn acts_in_body(&self) -> bool {
        !self.ended
    }

    fn head_end(&mut self, _page: &Page, _receipt: &mut Receipt) -> Option<String> {
        self.ended = true;
        None
    }

    fn start_tag(&mut self, tag: &mut Tag<'_, '_, '_>, page: &Page, receipt: &mut Receipt) {
        if self.off || self.ended {
            return;
        }
        if tag.name() == "style" && tag.raw("data-v").as_deref() == Some("critical_css") {
            self.off = true;
            receipt.stop("the page carries the style already");
            return;
        }
        let Some(url) = blocking_sheet(tag, page) else {
            return;
        };
        if let Some(reason) = refusal(tag, page, &url) {
            receipt.note(|| format!("{}: left, {reason}", url.path()));
            return;
        }
        if !self.begun {
            match self.beginning(page, receipt) {
                Ok(markup) => tag.insert_before(&markup),
                Err(reason) => {
                    self.off = true;
                    receipt.stop(reason);
                    return;
                }
            }
            self.begun = true;
        }
        let link = tag.written_anew();
        tag.insert_before(&format!(
            "<noscript data-v=\"critical_css\">{link}</noscript>"
        ));
        let media = tag.raw("media").unwrap_or_default();
        tag.set_raw(MEDIA, &media.replace('"', "&quot;"));
        tag.set_raw("media", "print");
        receipt.applied();
        receipt.note(|| format!("{}: does not block", url.path()));
    }
}

impl CriticalCss {
    /// What stands before the first sheet: the style, so that every sheet can override it, and the script. Both
    /// are judged here by the policies that a browser judges them by, those before them in the page.
    fn beginning(&self, page: &Page, receipt: &mut Receipt) -> Result<String, &'static str> {
        let (path, site) = (own::SHEETS_SCRIPT.path(), &page.facts.url);
        let url = site.join(path).map_err(|_| "the page has no address")?;
        let of_script = page.csp.external_script(&url).attribute(receipt)?;
        let of_style = page.csp.inline_style(&self.css).attribute(receipt)?;
        Ok(format!(
            "<style data-v=\"critical_css\"{of_style}>{}</style>\
             <script src=\"{}\" async data-v=\"critical_css\"{of_script}></script>",
            self.css,
            page.own_url(path),
        ))
    }
}

/// The address of a style sheet that the page waits for.
fn blocking_sheet(tag: &Tag<'_, '_, '_>, page: &Page) -> Option<Url> {
    if tag.name() != "link" || !tag.has_word("rel", "stylesheet") {
        return None;
    }
    let media = tag.value("media").unwrap_or_default();
    let is_for_print = media.trim().eq_ignore_ascii_case("print");
    let is_off = tag.has("disabled") || tag.has_word("rel", "alternate");
    if is_for_print || is_off {
        return None;
    }
    page.resolve(&tag.value("href")?)
}

/// Why a style sheet goes on blocking.
fn refusal(tag: &Tag<'_, '_, '_>, page: &Page, url: &Url) -> Option<&'static str> {
    if tag.opted_out {
        return Some("the element opts out");
    }
    if !page.is_same_origin(url) {
        return Some("it is of another origin");
    }
    if tag.has("title") {
        return Some("it is one of a set to choose from");
    }
    if tag.has("blocking") {
        return Some("the page says that it blocks");
    }
    if tag.has("onload") || tag.has("onerror") {
        return Some("a script waits for it");
    }
    if tag.has(MEDIA) || tag.has_prefixed("data-media") {
        return Some("a script switches it");
    }
    (!tag.is_ascii()).then_some("its attributes are not ASCII, or are there twice")
}
