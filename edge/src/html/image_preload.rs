//! Preloads of a page's largest image: what the browser would choose, said in the head.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::hints::Viewport;
use super::tag::Tag;

/// Most bytes of one preload: a `srcset` of a dozen addresses, and a bound on what is kept per page.
const MAX_BYTES: usize = 2048;
/// Most `<source>` elements of a picture that are read.
const MAX_SOURCES: usize = 12;

/// A `<link rel="preload" as="image">` of one page.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImagePreload {
    /// Which screens fetch it.
    pub media: String,
    /// Its other attributes, as they are written.
    pub attributes: Vec<(String, String)>,
}

impl ImagePreload {
    /// The element that a pass inserts.
    pub(super) fn markup(&self, pass: &str) -> String {
        let mut markup = "<link rel=\"preload\" as=\"image\"".to_owned();
        for (name, value) in &self.attributes {
            let _ = write!(markup, " {name}=\"{}\"", value.replace('"', "&quot;"));
        }
        let media = &self.media;
        let _ = write!(
            markup,
            " media=\"{media}\" fetchpriority=\"high\" data-v=\"{pass}\">"
        );
        markup
    }

    /// The first address that the browser may fetch by it, as a browser reads it.
    pub(super) fn address(&self) -> Option<String> {
        let of = |wanted: &str| {
            let attribute = self.attributes.iter().find(|(name, _)| name == wanted);
            attribute.map(|(_, raw)| super::tag::decode_references(raw))
        };
        let candidate = |set: String| {
            let first = set.split_ascii_whitespace().next()?;
            Some(first.trim_end_matches(',').to_owned())
        };
        of("href").or_else(|| of("imagesrcset").and_then(candidate))
    }
}

/// A `<source>` of a picture, its attributes as they are written.
#[derive(Debug, Clone, Default)]
pub(super) struct Source {
    media: Option<String>,
    srcset: Option<String>,
    sizes: Option<String>,
    kind: Option<String>,
}

/// The sources of the picture at hand.
#[derive(Debug, Default)]
pub(super) struct Sources(Vec<Source>);

impl Sources {
    /// Takes a `<picture>`, which begins anew, or a `<source>` in one.
    pub(super) fn meet(&mut self, tag: &Tag<'_, '_, '_>) {
        match tag.name() {
            "picture" => self.0.clear(),
            "source" if tag.picture.is_some() && self.0.len() <= MAX_SOURCES => {
                self.0.push(Source {
                    media: tag.raw("media"),
                    srcset: tag.raw("srcset"),
                    sizes: tag.raw("sizes"),
                    kind: tag.raw("type"),
                });
            }
            _ => {}
        }
    }

    /// What a screen's browser fetches for an image (H64): of a picture the first source whose media and type
    /// it takes, else the image itself. An unknown type is skipped by the picture and by the preload alike;
    /// that a type is *not* known cannot be said, so behind a source with a type nothing is preloaded for
    /// the same screens.
    pub(super) fn preloads(
        &self,
        image: &Tag<'_, '_, '_>,
        screens: Viewport,
    ) -> Result<Vec<ImagePreload>, &'static str> {
        let sources = if image.picture.is_some() {
            self.0.as_slice()
        } else {
            &[]
        };
        if sources.len() > MAX_SOURCES {
            return Err("its picture has too many sources");
        }
        let mut preloads = Vec::new();
        let mut taken: Vec<String> = Vec::new();
        let but = |taken: &[String]| {
            taken.iter().fold(screens.media().to_owned(), |media, one| {
                format!("{media} and (not ({one}))")
            })
        };
        for source in sources {
            let Some(srcset) = source.srcset.clone().filter(|set| !set.trim().is_empty()) else {
                continue;
            };
            let condition = condition(source.media.as_deref())?;
            let media = match &condition {
                Some(condition) if taken.contains(condition) => continue,
                Some(condition) => format!("{} and ({condition})", but(&taken)),
                None => but(&taken),
            };
            let set = Set {
                src: None,
                srcset: Some(srcset),
                sizes: source.sizes.clone(),
                kind: source.kind.clone(),
            };
            preloads.push(set.preload(image, media)?);
            match condition {
                Some(condition) => taken.push(condition),
                None => return Ok(preloads),
            }
        }
        let set = Set {
            src: image.raw("src"),
            srcset: image.raw("srcset"),
            sizes: image.raw("sizes"),
            kind: None,
        };
        preloads.push(set.preload(image, but(&taken))?);
        Ok(preloads)
    }
}

/// What one element offers to choose from.
struct Set {
    src: Option<String>,
    srcset: Option<String>,
    sizes: Option<String>,
    kind: Option<String>,
}

impl Set {
    fn preload(self, image: &Tag<'_, '_, '_>, media: String) -> Result<ImagePreload, &'static str> {
        let Self {
            src,
            srcset,
            sizes,
            kind,
        } = self;
        if sizes.as_deref().is_some_and(is_auto) {
            return Err("its size is known after layout only");
        }
        // Beside candidates of a known width, `src` is none; beside those of a density it is that of 1x.
        let by_width = srcset.as_deref().is_some_and(states_widths);
        let src = src.filter(|src| !by_width && !src.trim().is_empty());
        if src.is_none() && srcset.is_none() {
            return Err("it has no address");
        }
        let attributes = [
            ("href", src),
            ("imagesrcset", srcset),
            ("imagesizes", sizes),
            ("type", kind),
            ("crossorigin", image.raw("crossorigin")),
            ("referrerpolicy", image.raw("referrerpolicy")),
        ];
        let attributes = attributes
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let preload = ImagePreload {
            media,
            attributes: attributes.collect(),
        };
        let values = preload.attributes.iter().map(|(_, value)| value);
        let bytes: usize = values.clone().map(String::len).sum();
        if bytes + preload.media.len() > MAX_BYTES {
            return Err("its addresses are too long");
        }
        if !values.clone().all(|value| value.is_ascii()) {
            return Err("its address is not ASCII");
        }
        Ok(preload)
    }
}

/// The condition of a source's `media`, such as `(min-width:900px)`, if it has one.
///
/// Only what can stand in parentheses beside another condition can be said of a preload: no list, no media
/// type.
fn condition(media: Option<&str>) -> Result<Option<String>, &'static str> {
    const UNREADABLE: &str = "its picture chooses by something that a preload cannot say";
    let Some(media) = media.map(str::trim).filter(|media| !media.is_empty()) else {
        return Ok(None);
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b" ()-:./<>=\n\t".contains(&b);
    let mut depth = 0_i32;
    let balanced = media.bytes().all(|b| {
        depth += i32::from(b == b'(') - i32::from(b == b')');
        depth >= 0
    });
    if !media.starts_with('(') || !media.bytes().all(plain) || !balanced || depth != 0 {
        return Err(UNREADABLE);
    }
    Ok(Some(media.to_ascii_lowercase()))
}

fn is_auto(sizes: &str) -> bool {
    let first = sizes.split(',').next().unwrap_or_default();
    first.trim().eq_ignore_ascii_case("auto")
}

/// Whether a `srcset` names its candidates by width, as `a.jpg 480w`.
fn states_widths(srcset: &str) -> bool {
    let mut words = srcset.split(|c: char| c.is_ascii_whitespace() || c == ',');
    words.any(|word| {
        let digits = word.strip_suffix('w').unwrap_or_default();
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_condition_that_a_preload_can_say_is_one() {
        assert_eq!(condition(None), Ok(None));
        assert_eq!(condition(Some("  ")), Ok(None));
        assert_eq!(
            condition(Some("(min-width: 900px) and (orientation:portrait)")),
            Ok(Some(
                "(min-width: 900px) and (orientation:portrait)".to_owned()
            ))
        );
        for media in [
            "screen",
            "screen and (min-width:1px)",
            "(a), (b)",
            "((a)",
            "(a))(",
            "(a\")",
        ] {
            assert!(condition(Some(media)).is_err(), "{media}");
        }
    }

    #[test]
    fn widths_are_told_from_densities() {
        assert!(states_widths("a.jpg 480w, b.jpg 960w"));
        assert!(states_widths("a.jpg 480w,b.jpg 960w"));
        assert!(!states_widths("a.jpg 1x, b.jpg 2x"));
        assert!(!states_widths("/w/a.jpg"));
    }
}
