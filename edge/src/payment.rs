//! Payment pages, known by what is on them rather than by their path (H105).
//!
//! A page streams, so evidence can come after the first change. Therefore nothing is done to the first page of
//! a kind: it passes untouched while it is looked at, and what was found is remembered. Pages of one kind share
//! a shape, the path with what varies left out. A page that gives itself away later is remembered by its own
//! path, and passes untouched from then on.
//!
//! Only digests of paths are kept: a path can hold personal data.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::cache::key::digest;

/// Most shapes and paths that are remembered of one template. A shop has few kinds of pages; past the bound
/// pages of a kind not seen before pass untouched.
const MAX_KNOWN: usize = 512;
/// A path segment longer than this is no word of the shop's own.
const MAX_WORD: usize = 20;
/// Digits of a digest that are kept: 48 bits tell 512 paths apart.
const DIGEST_LEN: usize = 12;

/// What is known of one template's pages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Pages {
    /// Shapes of which a page was seen that takes no payment.
    clean: BTreeSet<String>,
    /// Shapes and paths of pages that take payments, and what gave them away.
    payment: BTreeMap<String, String>,
}

/// What may be done to the page at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Pages of its shape take no payment.
    Clean,
    /// No page of its shape has been seen yet.
    Unknown,
    /// It takes payments, by this evidence.
    Payment(String),
}

impl Pages {
    /// Where the page at a path stands.
    pub(crate) fn standing(&self, path: &str) -> Standing {
        let (path, shape) = (short(path), short(&shape(path)));
        if let Some(evidence) = self.payment.get(&path).or(self.payment.get(&shape)) {
            return Standing::Payment(evidence.clone());
        }
        if self.clean.contains(&shape) {
            Standing::Clean
        } else {
            Standing::Unknown
        }
    }

    /// Remembers what a page turned out to be. The first page of a shape speaks for the shape.
    pub(crate) fn saw(&mut self, path: &str, evidence: Option<&str>) {
        let (own, shape) = (short(path), short(&shape(path)));
        match evidence {
            None if self.clean.len() < MAX_KNOWN => {
                self.clean.insert(shape);
            }
            Some(evidence) if self.payment.len() < MAX_KNOWN => {
                if !self.clean.contains(&shape) {
                    self.payment.insert(shape, evidence.to_owned());
                }
                self.payment.insert(own, evidence.to_owned());
            }
            _ => {}
        }
    }
}

/// A path without what varies between pages of one kind: numbers, slugs, long names.
fn shape(path: &str) -> String {
    let varies = |segment: &str| {
        segment.len() > MAX_WORD
            || segment
                .bytes()
                .any(|b| b.is_ascii_digit() || b"-_%.~".contains(&b))
    };
    let segments = path.split('/').map(|segment| match segment {
        segment if varies(segment) => "*",
        segment => segment,
    });
    segments.collect::<Vec<_>>().join("/").to_ascii_lowercase()
}

fn short(path: &str) -> String {
    let mut digest = digest([path.as_bytes()]);
    digest.truncate(DIGEST_LEN);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_is_no_part_of_a_shape() {
        for (path, expected) in [
            ("/", "/"),
            ("/p/7", "/p/*"),
            ("/p/blue-vase", "/p/*"),
            ("/Kasse/Zahlung", "/kasse/zahlung"),
            ("/c/vases", "/c/vases"),
            ("/a/b%40c.example/d", "/a/*/d"),
        ] {
            assert_eq!(shape(path), expected, "{path}");
        }
    }

    #[test]
    fn the_first_page_of_a_shape_speaks_for_the_shape() {
        let mut pages = Pages::default();
        assert_eq!(pages.standing("/p/1"), Standing::Unknown);
        pages.saw("/p/1", None);
        assert_eq!(pages.standing("/p/2"), Standing::Clean);
        pages.saw("/weiter/1", Some("a card field"));
        assert!(matches!(pages.standing("/weiter/2"), Standing::Payment(_)));
    }

    #[test]
    fn a_late_payment_page_speaks_for_itself_alone() {
        let mut pages = Pages::default();
        pages.saw("/blue-vase", None);
        pages.saw("/zur-kasse", Some("a card field"));
        assert!(matches!(pages.standing("/zur-kasse"), Standing::Payment(_)));
        assert_eq!(pages.standing("/red-vase"), Standing::Clean);
        pages.saw("/zur-kasse", None);
        assert!(matches!(pages.standing("/zur-kasse"), Standing::Payment(_)));
    }

    #[test]
    fn memory_is_bounded() {
        let mut pages = Pages::default();
        for n in 0..2000 {
            let word: String = format!("{n:04}")
                .bytes()
                .map(|b| char::from(b - b'0' + b'a'))
                .collect();
            pages.saw(&format!("/{word}"), (n % 2 == 0).then_some("a card field"));
        }
        assert_eq!(pages.clean.len(), MAX_KNOWN);
        assert!(pages.payment.len() <= MAX_KNOWN + 1);
    }
}
