//! What several passes have to know of an image's tag.

use super::tag::Tag;

/// Why an image of a script is left alone.
pub(super) const LAZY_LOADER: &str = "a lazy loader has it";
/// Why an element that opts out is left alone.
pub(super) const OPTED_OUT: &str = "the element or an ancestor opts out";

/// Whether a script of the page loads the element when it wants to (H65).
pub(super) fn has_lazy_loader(tag: &Tag<'_, '_, '_>) -> bool {
    let src = tag.value("src").unwrap_or_default();
    let class = tag.value("class").unwrap_or_default().to_ascii_lowercase();
    tag.has_prefixed("data-src")
        || tag.has_prefixed("data-lazy")
        || tag.has("data-original")
        || tag.picture.is_some_and(|picture| picture.scripted)
        || src.trim_start().to_ascii_lowercase().starts_with("data:")
        || class.split_ascii_whitespace().any(is_lazy_class)
}

/// Whether a class is one by which lazy loaders find their images, as `lazyload`, `js-lazy` or `lozad`.
fn is_lazy_class(class: &str) -> bool {
    let mut words = class.split(['-', '_']).peekable();
    if class == "lozad" || words.peek().is_some_and(|word| is_refusal(word)) {
        return class == "lozad";
    }
    words.any(|word| word.starts_with("lazy"))
}

/// Whether the page asks lazy loaders to leave the element, by a class such as `skip-lazy`.
pub(super) fn refuses_lazy_loading(tag: &Tag<'_, '_, '_>) -> bool {
    let class = tag.value("class").unwrap_or_default().to_ascii_lowercase();
    let refuses = |class: &str| {
        let mut words = class.split(['-', '_']);
        words.next().is_some_and(is_refusal) && words.any(|word| word.starts_with("lazy"))
    };
    tag.has("data-no-lazy")
        || tag.has("data-skip-lazy")
        || class.split_ascii_whitespace().any(refuses)
}

fn is_refusal(word: &str) -> bool {
    matches!(word, "no" | "not" | "skip" | "exclude")
}

/// The element's address as it is written, to name it by.
pub(super) fn address(tag: &Tag<'_, '_, '_>) -> String {
    let address = tag.value("src").or_else(|| tag.value("srcset"));
    let address = address.unwrap_or_default();
    let path = address.split(['?', '#']).next().unwrap_or_default();
    if path.is_empty() {
        format!("<{}>", tag.name())
    } else {
        path.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_lazy_loaders_are_told_from_refusals() {
        for class in [
            "lazy",
            "lazyload",
            "lazyloaded",
            "js-lazy",
            "swiper-lazy",
            "lozad",
            "b-lazy",
        ] {
            assert!(is_lazy_class(class), "{class}");
        }
        for class in ["skip-lazy", "no-lazyload", "glazy", "hero", "exclude-lazy"] {
            assert!(!is_lazy_class(class), "{class}");
        }
    }
}
