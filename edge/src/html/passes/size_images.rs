//! ## What it does
//! Adds `width` and `height` to images that have neither, from sizes that the merchant declares by selector
//! or by address.
//! ## Why it helps
//! A browser that knows an image's proportions reserves its room, and nothing jumps when the image arrives.
//! ## When it stays away
//! Everywhere without a rule: on a page whose style sheet sets only one of the two sizes, the attributes
//! would set the other, so a rule belongs where the style sheet says `height: auto` (or sets both). Images
//! with a size or with one in `style`, images of a lazy loader, images in a `<picture>` whose sources differ
//! in shape, and elements that opt out.
//! ## Example
//! With `selector = ".card img", width = 600, height = 800`, `<img src="/p/7.jpg">` in a card becomes
//! `<img src="/p/7.jpg" width="600" height="800">`

use serde::{Deserialize, Serialize};

use super::super::image;
use super::super::page::{Page, PageFacts};
use super::super::tag::Tag;
use super::super::url_pattern::UrlPattern;
use super::{Contract, Decision, Edit, Pass, Receipt};

/// What this pass declares of itself.
pub(super) const CONTRACT: Contract = Contract {
    edits: &[
        Edit::Attribute("img", "width"),
        Edit::Attribute("img", "height"),
    ],
    ..Contract::READS
};

/// `[passes.size_images]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Whether the pass runs.
    ///
    /// ### Default
    /// `true`; it changes nothing without rules.
    pub enabled: bool,
    /// Sizes of images. The first rule that names an image decides.
    ///
    /// ### Default
    /// `[]`
    #[cfg_attr(feature = "authoring", schemars(length(max = 32)))]
    pub rules: Vec<Rule>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            enabled: true,
            rules: Vec::new(),
        }
    }
}

/// `[[passes.size_images.rules]]`: names images by `selector` or by `src`, one of the two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// A CSS selector, such as `".product-card img"`.
    ///
    /// ### Default
    /// None: a rule has either this or `src`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "authoring", schemars(extend("format" = "css-selector")))]
    pub selector: Option<String>,
    /// A pattern for the image's address: `"/media/*"` on the shop itself, `"//cdn.example/*"` elsewhere.
    ///
    /// ### Default
    /// None: a rule has either this or `selector`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "authoring", schemars(extend("format" = "url-pattern")))]
    pub src: Option<String>,
    /// The image's own width, in pixels.
    ///
    /// ### Default
    /// None: a rule states it.
    #[cfg_attr(feature = "authoring", schemars(range(min = 1, max = 20_000), extend("x-unit" = "pixels")))]
    pub width: u32,
    /// The image's own height, in pixels.
    ///
    /// ### Default
    /// None: a rule states it.
    #[cfg_attr(feature = "authoring", schemars(range(min = 1, max = 20_000), extend("x-unit" = "pixels")))]
    pub height: u32,
}

impl Options {
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let problem = |rule: &Rule| match (&rule.selector, &rule.src) {
            (Some(selector), None) => selector
                .parse::<lol_html::Selector>()
                .err()
                .map(|error| ("selector", error.to_string())),
            (None, Some(src)) => UrlPattern::parse(src).is_none().then(|| {
                let expected = "write `/path` for the shop itself, or `//host/path`";
                ("src", format!("`{src}` has no host: {expected}"))
            }),
            _ => Some((
                "selector",
                "a rule has either `selector` or `src`".to_owned(),
            )),
        };
        let rules = self.rules.iter().enumerate();
        rules
            .filter_map(|(i, rule)| {
                problem(rule).map(|(key, why)| (format!("rules.{i}.{key}"), why))
            })
            .collect()
    }
}

pub(super) fn decide(options: &Options, _facts: &PageFacts) -> Decision {
    if options.rules.is_empty() {
        return Decision::skip("no rules");
    }
    let rules = options.rules.iter().filter_map(|rule| {
        let names = match (&rule.selector, &rule.src) {
            (Some(selector), None) => Names::Selector(selector.clone()),
            (None, Some(src)) => Names::Src(UrlPattern::parse(src)?),
            _ => return None,
        };
        Some((names, rule.width, rule.height))
    });
    Decision::Apply(Box::new(SizeImages {
        rules: rules.collect(),
    }))
}

enum Names {
    Selector(String),
    Src(UrlPattern),
}

struct SizeImages {
    /// Whom a rule names, width and height.
    rules: Vec<(Names, u32, u32)>,
}

impl Pass for SizeImages {
    /// One selector per rule, so that their indices agree; a rule by address never matches its own.
    fn selectors(&self) -> Vec<String> {
        let selector = |names: &Names| match names {
            Names::Selector(selector) => selector.clone(),
            Names::Src(_) => String::new(),
        };
        self.rules.iter().map(|rule| selector(&rule.0)).collect()
    }

    fn start_tag(&mut self, tag: &mut Tag<'_, '_, '_>, page: &Page, receipt: &mut Receipt) {
        if tag.name() != "img" {
            return;
        }
        let src = tag.value("src").unwrap_or_default();
        let url = page.resolve(&src);
        let rule = self
            .rules
            .iter()
            .enumerate()
            .find(|(i, (names, ..))| match names {
                Names::Selector(_) => tag.matched(*i),
                Names::Src(pattern) => url
                    .as_ref()
                    .is_some_and(|url| pattern.matches_on(url, &page.facts.url)),
            });
        let Some((number, &(_, width, height))) = rule else {
            return;
        };
        let shown = || url.as_ref().map_or("", url::Url::path).to_owned();
        if let Some(reason) = refusal(tag) {
            receipt.note(|| format!("{}: left, {reason}", shown()));
            return;
        }
        tag.set_raw("width", &width.to_string());
        tag.set_raw("height", &height.to_string());
        receipt.applied();
        receipt.note(|| format!("{}: {width}x{height}, rule {}", shown(), number + 1));
    }
}

/// Why an image that a rule names is left as it is.
fn refusal(tag: &Tag<'_, '_, '_>) -> Option<&'static str> {
    if tag.has("width") || tag.has("height") {
        return Some("it has a size");
    }
    let style = tag.value("style").unwrap_or_default().to_ascii_lowercase();
    if [
        "width",
        "height",
        "aspect-ratio",
        "inline-size",
        "block-size",
    ]
    .iter()
    .any(|property| style.contains(property))
    {
        return Some("its style has a size");
    }
    if tag.opted_out {
        return Some(image::OPTED_OUT);
    }
    if tag.picture.is_some_and(|picture| picture.art_directed) {
        return Some("its picture has sources of other shapes");
    }
    image::has_lazy_loader(tag).then_some(image::LAZY_LOADER)
}
