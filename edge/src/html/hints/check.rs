//! Reading a file of hints: everything that is wrong with it, each with its place.

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use lol_html::Selector;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    CrossOrigin, GroupHints, HintsFile, ImageHint, MAX_ENTRIES, MAX_TEMPLATES, OriginHint,
    ResourceHint, ResourceKind, TemplateHints,
};

/// Version of the format.
const VERSION: u32 = 1;
/// Largest file, in bytes: far above what a shop's templates need, and what a guest reads at once.
pub const MAX_FILE: usize = 1 << 20;
/// Longest selector, in bytes: each is matched against every element of a page.
const MAX_SELECTOR: usize = 512;
/// Longest address, in bytes: it becomes part of a header.
const MAX_URL: usize = 2048;
/// Longest template name, as in `vitrine.toml`.
const MAX_NAME: usize = 32;
/// Most problems that are told of one file: whoever made it has one mistake many times.
const MAX_PROBLEMS: usize = 50;

/// Something wrong with a file of hints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Line and column where it is no such file at all (`3:14`), else the entry (`templates[0].groups[1]`).
    pub place: String,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl HintsFile {
    /// Reads a file, or says what is wrong with it.
    ///
    /// # Errors
    /// With every problem, up to a few dozen.
    pub fn read(text: &[u8]) -> Result<Self, Vec<Problem>> {
        if text.len() > MAX_FILE {
            let message = format!("{} bytes; expected at most {MAX_FILE}", text.len());
            return Err(vec![Problem {
                place: "file".to_owned(),
                message,
            }]);
        }
        let file: Self =
            serde_json::from_slice(text).map_err(|error| vec![of_json(text, &error)])?;
        let problems = Checker::default().file(&file);
        if problems.is_empty() {
            Ok(file)
        } else {
            Err(problems)
        }
    }
}

/// What is wrong with a text that is no file of hints. Another version is the reason for whatever else is.
fn of_json(text: &[u8], error: &serde_json::Error) -> Problem {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    if let Ok(Version { version }) = serde_json::from_slice(text)
        && version != VERSION
    {
        return Problem {
            place: "version".to_owned(),
            message: wrong_version(version),
        };
    }
    let place = format!("{}:{}", error.line(), error.column());
    let message = error.to_string();
    let end = message.rfind(" at line ").unwrap_or(message.len());
    Problem {
        place,
        message: message[..end].to_owned(),
    }
}

fn wrong_version(version: u32) -> String {
    format!("version {version} is not known; expected {VERSION}")
}

#[derive(Default)]
struct Checker {
    problems: Vec<Problem>,
}

impl Checker {
    fn file(mut self, file: &HintsFile) -> Vec<Problem> {
        if file.version != VERSION {
            self.say("version", wrong_version(file.version));
        }
        self.bound("templates", file.templates.len(), MAX_TEMPLATES);
        let mut names = BTreeSet::new();
        for (i, template) in file.templates.iter().enumerate() {
            let place = format!("templates[{i}]");
            if !names.insert(&template.template) {
                self.say(
                    format!("{place}.template"),
                    format!("`{}` is there twice; expected once", template.template),
                );
            }
            self.template(&place, template);
        }
        self.problems
    }

    fn template(&mut self, place: &str, template: &TemplateHints) {
        let name = &template.template;
        let of_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(of_name) {
            let message = format!(
                "`{name}` is no name of a template; expected 1 to {MAX_NAME} lower-case letters, digits and dashes"
            );
            self.say(format!("{place}.template"), message);
        }
        let mut viewports = BTreeSet::new();
        for (i, group) in template.groups.iter().enumerate() {
            let place = format!("{place}.groups[{i}]");
            if !viewports.insert(group.viewport) {
                let message = "the same screens as a group before; expected one group for each";
                self.say(format!("{place}.viewport"), message);
            }
            self.group(&place, group);
        }
    }

    fn group(&mut self, place: &str, group: &GroupHints) {
        self.bound(&format!("{place}.images"), group.images.len(), MAX_ENTRIES);
        self.bound(
            &format!("{place}.origins"),
            group.origins.len(),
            MAX_ENTRIES,
        );
        self.bound(
            &format!("{place}.resources"),
            group.resources.len(),
            MAX_ENTRIES,
        );
        let mut seen = BTreeSet::new();
        for (i, image) in group.images.iter().enumerate() {
            let place = format!("{place}.images[{i}]");
            self.once(&place, seen.insert((image.selector.clone(), image.ordinal)));
            self.image(&place, image, group.views);
        }
        let mut seen = BTreeSet::new();
        for (i, origin) in group.origins.iter().enumerate() {
            let place = format!("{place}.origins[{i}]");
            self.once(&place, seen.insert((origin.origin.clone(), origin.cors)));
            self.origin(&place, origin, group.views);
        }
        let mut seen = BTreeSet::new();
        for (i, resource) in group.resources.iter().enumerate() {
            let place = format!("{place}.resources[{i}]");
            self.once(&place, seen.insert(resource.url.clone()));
            self.resource(&place, resource, group.views);
        }
    }

    fn image(&mut self, place: &str, image: &ImageHint, views: u32) {
        let key = format!("{place}.selector");
        if image.selector.len() > MAX_SELECTOR {
            let message = format!(
                "{} bytes; expected at most {MAX_SELECTOR}",
                image.selector.len()
            );
            self.say(key, message);
        } else if let Err(error) = image.selector.parse::<Selector>() {
            let message = format!(
                "`{}` cannot be matched while a page streams: {error}; expected a selector such as `main .gallery img`",
                image.selector
            );
            self.say(key, message);
        }
        self.count(&format!("{place}.seen"), image.seen, ("views", views));
        let of = ("seen", image.seen);
        self.count(&format!("{place}.lcp"), image.lcp, of);
        self.count(&format!("{place}.below_fold"), image.below_fold, of);
        self.count(&format!("{place}.hidden"), image.hidden, of);
        let elsewhere = u64::from(image.below_fold) + u64::from(image.hidden);
        if image.below_fold.max(image.hidden) <= image.seen && elsewhere > u64::from(image.seen) {
            let message = format!(
                "below_fold and hidden are {elsewhere} together, and exclude each other; expected at most seen, {}",
                image.seen
            );
            self.say(place, message);
        }
    }

    fn origin(&mut self, place: &str, hint: &OriginHint, views: u32) {
        if origin_of(&hint.origin).is_none() {
            let message = format!(
                "`{}` is not an origin; expected `https://host`",
                hint.origin
            );
            self.say(format!("{place}.origin"), message);
        }
        self.count(
            &format!("{place}.before_lcp"),
            hint.before_lcp,
            ("views", views),
        );
    }

    fn resource(&mut self, place: &str, hint: &ResourceHint, views: u32) {
        if !is_address(&hint.url) {
            let message = format!(
                "`{}` is not an address; expected a path such as `/fonts/a.woff2`, or `https://…`, in at most \
                 {MAX_URL} visible ASCII characters, without a fragment",
                hint.url
            );
            self.say(format!("{place}.url"), message);
        }
        if hint
            .media_type
            .as_deref()
            .is_some_and(|kind| !is_media_type(kind))
        {
            self.say(
                format!("{place}.type"),
                "expected a media type such as `font/woff2`",
            );
        }
        if hint
            .integrity
            .as_deref()
            .is_some_and(|value| !is_integrity(value))
        {
            let message = "expected digests such as `sha384-…`, separated by spaces";
            self.say(format!("{place}.integrity"), message);
        }
        if hint.kind == ResourceKind::Font && hint.crossorigin == Some(CrossOrigin::UseCredentials)
        {
            let message = "a font is fetched without credentials; expected `anonymous`, or nothing";
            self.say(format!("{place}.crossorigin"), message);
        }
        self.count(&format!("{place}.late"), hint.late, ("views", views));
    }

    fn once(&mut self, place: &str, is_first: bool) {
        if !is_first {
            self.say(place, "the same as an entry before; expected once");
        }
    }

    fn count(&mut self, place: &str, count: u32, (what, most): (&str, u32)) {
        if count > most {
            self.say(place, format!("{count}; expected at most {what}, {most}"));
        }
    }

    fn bound(&mut self, place: &str, entries: usize, most: usize) {
        if entries > most {
            self.say(place, format!("{entries} entries; expected at most {most}"));
        }
    }

    fn say(&mut self, place: impl Into<String>, message: impl Into<String>) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Problem {
                place: place.into(),
                message: message.into(),
            });
        }
    }
}

/// The serialized origin, which is ASCII and free of quotes.
pub(in crate::html) fn origin_of(written: &str) -> Option<String> {
    let url = Url::parse(written.trim()).ok()?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    is_plain.then(|| url.origin().ascii_serialization())
}

/// A path on the shop, or a URL, that can stand in a header as it is.
fn is_address(written: &str) -> bool {
    let is_safe = |b: u8| b.is_ascii_graphic() && !b"<>\"'\\#".contains(&b);
    if written.len() > MAX_URL || !written.bytes().all(is_safe) {
        return false;
    }
    match written.strip_prefix('/') {
        Some(rest) => !rest.starts_with('/'),
        None => Url::parse(written)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()),
    }
}

fn is_media_type(written: &str) -> bool {
    let of_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b);
    written.len() <= 100
        && written.split_once('/').is_some_and(|(kind, subtype)| {
            let is_token = |text: &str| !text.is_empty() && text.bytes().all(of_token);
            is_token(kind) && is_token(subtype)
        })
}

fn is_integrity(written: &str) -> bool {
    let is_digest = |digest: &str| {
        let value = ["sha256-", "sha384-", "sha512-"]
            .iter()
            .find_map(|algorithm| digest.strip_prefix(algorithm));
        value.is_some_and(|value| {
            !value.is_empty()
                && value
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"+/=-_".contains(&b))
        })
    };
    written.len() <= 500 && !written.is_empty() && written.split(' ').all(is_digest)
}

#[cfg(test)]
mod tests;
