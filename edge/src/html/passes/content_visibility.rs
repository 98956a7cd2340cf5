//! ## What it does
//! Lets the browser skip the layout and painting of parts of the page that are far outside the screen
//! (`content-visibility: auto`), for the elements that a rule names, with a height to reckon with until they
//! are drawn. Experimental.
//! ## Why it helps
//! A long page is on the screen sooner, and answers sooner, when its lower half costs nothing until somebody
//! scrolls there.
//! ## When it stays away
//! Everywhere without a rule. It leaves what can be seen to be unsuitable: elements that a link can point to
//! (`id`), that are pinned, hidden or opened by a script, forms and what is in one, navigation, headers, carousels,
//! drawers and menus, and elements that opt out. What comes later in the page cannot be seen: whoever writes a rule
//! vouches that its elements begin below the first screen on every device, hold no form that is validated, no
//! pinned part and no link's target, and that nothing in them reaches beyond their edges. Print is not affected.
//! Pages whose content security policy does not allow the style are left as they are.
//! ## Example
//! With `selector = ".reviews > li", height = 240`, a review `<li>` becomes `<li data-v-below="1">`, and the
//! head gets `<style>` with `[data-v-below="1"]{content-visibility:auto;contain-intrinsic-size:auto 240px}`

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::super::page::{Page, PageFacts};
use super::super::tag::Tag;
use super::{Contract, Decision, Edit, Pass, Receipt, selector_problems};

/// What marks the elements; its value is the rule's number.
const MARK: &str = "data-v-below";

/// What this pass declares of itself.
pub(super) const CONTRACT: Contract = Contract {
    edits: &[Edit::Inserts("style"), Edit::Attribute("*", MARK)],
    ..Contract::READS
};

/// `[passes.content_visibility]`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Whether the pass runs. It is experimental.
    ///
    /// ### Default
    /// `false`
    pub enabled: bool,
    /// Which elements. The first rule that names an element decides.
    ///
    /// ### Default
    /// `[]`
    #[cfg_attr(feature = "authoring", schemars(length(max = 16)))]
    pub rules: Vec<Rule>,
}

/// `[[passes.content_visibility.rules]]`: whoever writes one vouches for its elements, see *When it stays away*.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// A CSS selector, such as `".reviews > li"`.
    ///
    /// ### Default
    /// None: a rule states it.
    #[cfg_attr(feature = "authoring", schemars(extend("format" = "css-selector")))]
    pub selector: String,
    /// The height of one such element as visitors see it, in pixels. The browser reckons with it until it has
    /// drawn the element, and then remembers the real one; a wrong one makes the scrollbar jump.
    ///
    /// ### Default
    /// None: a rule states it.
    #[cfg_attr(feature = "authoring", schemars(range(min = 1, max = 20_000), extend("x-unit" = "pixels")))]
    pub height: u32,
    /// How many of the selector's first matches are left, because they begin within the first screen.
    ///
    /// ### Default
    /// `0`
    #[serde(default)]
    #[cfg_attr(feature = "authoring", schemars(range(min = 0, max = 1000), extend("x-unit" = "elements")))]
    pub skip_first: u32,
}

impl Options {
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        selector_problems(self.rules.iter().map(|rule| &rule.selector))
    }
}

pub(super) fn decide(options: &Options, _facts: &PageFacts) -> Decision {
    if options.rules.is_empty() {
        return Decision::skip("no rules");
    }
    Decision::Apply(Box::new(ContentVisibility {
        rules: options.rules.iter().map(|rule| (rule.clone(), 0)).collect(),
        style: Style::Wanted,
    }))
}

struct ContentVisibility {
    /// Each rule, and how many elements it has matched.
    rules: Vec<(Rule, u32)>,
    style: Style,
}

/// Where the style element stands.
enum Style {
    /// The head has not ended.
    Wanted,
    /// It is in the page.
    There,
    /// There is none, so that nothing is marked.
    Refused,
}

impl Pass for ContentVisibility {
    /// One selector per rule, so that their indices agree, and one for what is in something unsuitable.
    fn selectors(&self) -> Vec<String> {
        let rules = self.rules.iter().map(|(rule, _)| rule.selector.clone());
        rules.chain([inside_unsuitable()]).collect()
    }

    fn head_end(&mut self, page: &Page, receipt: &mut Receipt) -> Option<String> {
        if !matches!(self.style, Style::Wanted) {
            return None;
        }
        // On paper everything is drawn.
        let mut style = "@media screen{".to_owned();
        for (number, (rule, _)) in (1..).zip(&self.rules) {
            let _ = write!(
                style,
                "[{MARK}=\"{number}\"]{{content-visibility:auto;contain-intrinsic-size:auto {}px}}",
                rule.height
            );
        }
        style.push('}');
        self.style = Style::Refused;
        let nonce = page.csp.inline_style(&style).admit(receipt)?;
        self.style = Style::There;
        Some(format!(
            "<style data-v=\"content_visibility\"{nonce}>{style}</style>"
        ))
    }

    fn start_tag(&mut self, tag: &mut Tag<'_, '_, '_>, _page: &Page, receipt: &mut Receipt) {
        if tag.name() == "style" && tag.raw("data-v").as_deref() == Some("content_visibility") {
            receipt.stop("the page carries the style already");
            self.style = Style::Refused;
        }
        if !matches!(self.style, Style::There) {
            return;
        }
        let unsuitable = self.rules.len();
        let Some(index) = (0..unsuitable).find(|index| tag.matched(*index)) else {
            return;
        };
        let (rule, seen) = &mut self.rules[index];
        *seen += 1;
        let (selector, number) = (&rule.selector, *seen);
        let refusal = if number <= rule.skip_first {
            Some("it is among the first")
        } else if tag.matched(unsuitable) {
            Some("it is in a form, a menu, a carousel or the like")
        } else {
            refusal(tag)
        };
        if let Some(reason) = refusal {
            receipt.note(|| format!("{selector}, match {number}: left, {reason}"));
            return;
        }
        tag.set_raw(MARK, &(index + 1).to_string());
        receipt.applied();
    }
}

/// Parts of a class's words by which carousels, drawers and menus are known.
const TELLING: [&str; 20] = [
    "carousel", "slider", "slideshow", "swiper", "slick", "splide", "flickity", "glide", "keen-",
    "embla", "offcanvas", "off-canvas", "drawer", "modal", "popup", "dropdown", "megamenu",
    "sticky", "fixed", "accordion",
];
/// Elements that are no plain part of the page, or that must be there whole.
const UNSUITABLE: [&str; 14] = [
    "html", "head", "body", "main", "header", "nav", "form", "fieldset", "dialog", "details",
    "aside", "menu", "a", "button",
];
/// Of those, the ones whose content is left too: everything is in `html`, `body` and `main`.
const AROUND: [&str; 10] = [
    "header", "nav", "form", "fieldset", "dialog", "details", "menu", "aside", "button", "a",
];
/// Elements to which the property does not apply, or with which it breaks a table.
const PARTS: [&str; 12] = [
    "tr", "td", "th", "thead", "tbody", "tfoot", "caption", "col", "colgroup", "span", "img",
    "legend",
];

/// A selector for what is in something unsuitable.
fn inside_unsuitable() -> String {
    let elements = AROUND.iter().map(|name| format!("{name} *"));
    let attributes = ["popover", "hidden", "inert", "aria-hidden=\"true\"", "role=\"dialog\""];
    let attributes = attributes.iter().map(|attribute| format!("[{attribute}] *"));
    let classes = TELLING.iter().map(|word| format!("[class*=\"{word}\" i]:not(body):not(html) *"));
    let all: Vec<String> = elements.chain(attributes).chain(classes).collect();
    all.join(", ")
}

/// Why an element that a rule names is left as it is.
fn refusal(tag: &Tag<'_, '_, '_>) -> Option<&'static str> {
    if tag.opted_out {
        return Some("the element or an ancestor opts out");
    }
    if tag.has("id") || (tag.name() == "a" && tag.has("name")) {
        return Some("a link can point to it");
    }
    if UNSUITABLE.contains(&tag.name()) {
        return Some("it is a form, a menu or another element that must be there whole");
    }
    if PARTS.contains(&tag.name()) {
        return Some("the property does not apply to such an element");
    }
    let has = ["popover", "hidden", "inert", "aria-hidden", "aria-roledescription", "tabindex", "autofocus"];
    if has.iter().any(|name| tag.has(name)) {
        return Some("a script shows or reaches it");
    }
    let style = tag.value("style").unwrap_or_default().to_ascii_lowercase();
    if ["position", "transform", "display", "visibility", "content-visibility", "contain", "overflow"]
        .iter()
        .any(|property| style.contains(property))
    {
        return Some("its style says how it is placed");
    }
    let class = tag.value("class").unwrap_or_default().to_ascii_lowercase();
    TELLING
        .iter()
        .any(|word| class.contains(word))
        .then_some("its class tells of a carousel, a drawer or a pinned part")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inside_something_unsuitable_can_be_selected() {
        assert!(inside_unsuitable().parse::<lol_html::Selector>().is_ok());
    }
}
