//! Which image preloads pages need, remembered from views of the same page.
//!
//! A preload stands in the head, and the image that it is for comes later. What it says is therefore known only
//! from an earlier view of the same page. It is used once two visitors without cookies have been sent the
//! same: an address that holds something of one visitor's, or a signature that is new each time, never gets
//! there. Of the first view only a digest is kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cache::key::digest;
use crate::html::ImagePreload;

/// Most pages that are remembered of one template: those that are visited first are those that are visited
/// most, and the record of a template is read whole.
const MAX_PAGES: usize = 128;
/// After so many changes a page is one that changes, and is left alone: each change costs a visitor an image
/// that is fetched for nothing.
const MAX_CHANGES: u8 = 3;

/// What is known of one template's pages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, transparent)]
pub(crate) struct Preloads(BTreeMap<String, Remembered>);

/// What is known of one page.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Remembered {
    /// Of what was seen last.
    digest: String,
    /// What was seen last, once it has been seen twice.
    preloads: Vec<ImagePreload>,
    /// How often something else was seen than before.
    changes: u8,
}

impl Preloads {
    /// What the page at a path needs.
    pub(crate) fn of(&self, path: &str) -> &[ImagePreload] {
        let page = self.0.get(&digest([path.as_bytes()]));
        page.map_or(&[], |page| &page.preloads)
    }

    /// A visitor without cookies was sent a page that needs these.
    pub(crate) fn saw(&mut self, path: &str, seen: &[ImagePreload]) {
        let key = digest([path.as_bytes()]);
        let digest = digest([serde_json::to_vec(seen).unwrap_or_default().as_slice()]);
        let has_room = self.0.len() < MAX_PAGES;
        match self.0.get_mut(&key) {
            Some(page) if page.digest == digest => page.preloads = seen.to_vec(),
            Some(page) => page.change(digest),
            None if has_room && !seen.is_empty() => {
                let page = Remembered {
                    digest,
                    ..Remembered::default()
                };
                self.0.insert(key, page);
            }
            None => {}
        }
    }

    /// A visitor was sent a page that does not need what is remembered of it. What it needs instead is that
    /// visitor's own.
    pub(crate) fn missed(&mut self, path: &str) {
        if let Some(page) = self.0.get_mut(&digest([path.as_bytes()])) {
            page.change(String::new());
        }
    }
}

impl Remembered {
    fn change(&mut self, digest: String) {
        self.preloads.clear();
        if self.changes < MAX_CHANGES {
            self.changes += 1;
            self.digest = digest;
        } else {
            self.digest.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preload(address: &str) -> [ImagePreload; 1] {
        [ImagePreload {
            media: "(min-width:1024px)".to_owned(),
            attributes: vec![("href".to_owned(), address.to_owned())],
        }]
    }

    #[test]
    fn what_two_views_have_shown_is_used() {
        let mut preloads = Preloads::default();
        preloads.saw("/p/1", &preload("/a.jpg"));
        assert!(preloads.of("/p/1").is_empty());
        assert!(!serde_json::to_string(&preloads).unwrap().contains("a.jpg"));
        preloads.saw("/p/1", &preload("/a.jpg"));
        assert_eq!(preloads.of("/p/1"), preload("/a.jpg"));
        assert!(preloads.of("/p/2").is_empty());
    }

    #[test]
    fn an_address_that_is_new_each_time_is_never_used() {
        let mut preloads = Preloads::default();
        for n in 0..20 {
            preloads.saw("/p/1", &preload(&format!("/a.jpg?signature={n}")));
            assert!(preloads.of("/p/1").is_empty());
        }
        let before = preloads.clone();
        preloads.saw("/p/1", &preload("/a.jpg?signature=21"));
        assert_eq!(preloads, before, "and nothing more is written");
    }

    #[test]
    fn a_new_picture_takes_the_old_ones_place_and_a_page_that_goes_on_changing_is_left() {
        let mut preloads = Preloads::default();
        for (round, address) in ["/a.jpg", "/b.jpg", "/c.jpg", "/d.jpg"].iter().enumerate() {
            preloads.saw("/p/1", &preload(address));
            assert!(preloads.of("/p/1").is_empty(), "round {round}");
            preloads.saw("/p/1", &preload(address));
            assert_eq!(preloads.of("/p/1"), preload(address), "round {round}");
        }
        preloads.saw("/p/1", &preload("/e.jpg"));
        preloads.saw("/p/1", &preload("/e.jpg"));
        assert!(preloads.of("/p/1").is_empty());
    }

    #[test]
    fn a_page_that_misses_what_is_remembered_loses_it_at_once() {
        let mut preloads = Preloads::default();
        preloads.saw("/p/1", &preload("/a.jpg"));
        preloads.saw("/p/1", &preload("/a.jpg"));
        preloads.missed("/p/1");
        assert!(preloads.of("/p/1").is_empty());
    }

    #[test]
    fn memory_is_bounded() {
        let mut preloads = Preloads::default();
        for n in 0..1000 {
            preloads.saw(&format!("/p/{n}"), &preload("/a.jpg"));
        }
        assert_eq!(preloads.0.len(), MAX_PAGES);
    }
}
