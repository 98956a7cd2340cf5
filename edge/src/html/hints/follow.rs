//! Which elements of a page the hints about images mean, told while the page streams.

use std::rc::Rc;

use super::{GroupHints, ImageHint, TemplateHints, Viewport};
use crate::html::tag::Tag;

/// Follows a page and counts the matches of every selector.
pub(in crate::html) struct Follower {
    hints: Rc<TemplateHints>,
    selectors: Vec<String>,
    /// How many elements each selector has matched.
    matches: Vec<u32>,
    /// What is followed, sorted: index of the selector, ordinal, index of the group and of the image in the group.
    entries: Vec<(usize, u32, usize, usize)>,
}

/// What has been seen of one element, by the screens on which it was seen.
pub(in crate::html) type Met<'a> = Vec<(&'a GroupHints, &'a ImageHint)>;

impl Follower {
    /// Follows the images that are wanted.
    pub(in crate::html) fn new(
        hints: &Rc<TemplateHints>,
        wanted: impl Fn(&GroupHints, &ImageHint) -> bool,
    ) -> Self {
        let mut selectors: Vec<String> = Vec::new();
        let mut entries = Vec::new();
        for (g, group) in hints.groups.iter().enumerate() {
            for (i, image) in group.images.iter().enumerate() {
                if !wanted(group, image) {
                    continue;
                }
                let known = selectors.iter().position(|s| *s == image.selector);
                let selector = known.unwrap_or_else(|| {
                    selectors.push(image.selector.clone());
                    selectors.len() - 1
                });
                entries.push((selector, image.ordinal, g, i));
            }
        }
        entries.sort_unstable();
        Self {
            hints: Rc::clone(hints),
            matches: vec![0; selectors.len()],
            selectors,
            entries,
        }
    }

    /// What the pass has to ask for, see [`Tag::matched`].
    pub(in crate::html) fn selectors(&self) -> Vec<String> {
        self.selectors.clone()
    }

    /// Whether there is nothing to follow.
    pub(in crate::html) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether a group of these screens has an image that is followed.
    pub(in crate::html) fn has(&self, viewport: Viewport) -> bool {
        let mut groups = self.entries.iter().map(|(_, _, group, _)| *group);
        groups.any(|group| self.hints.groups[group].viewport == viewport)
    }

    /// Takes the next element of the page, and gives what is known of it. Has to see every element that the
    /// pass is shown: what it does not see, it does not count.
    pub(in crate::html) fn meet(&mut self, tag: &Tag<'_, '_, '_>) -> Met<'_> {
        let mut met = Vec::new();
        for (selector, matches) in self.matches.iter_mut().enumerate() {
            if !tag.matched(selector) {
                continue;
            }
            let ordinal = *matches;
            *matches += 1;
            let place = |entry: &(usize, u32, usize, usize)| (entry.0, entry.1);
            let first = self
                .entries
                .partition_point(|entry| place(entry) < (selector, ordinal));
            let meant = self.entries[first..].iter();
            for &(_, _, group, image) in
                meant.take_while(|entry| place(entry) == (selector, ordinal))
            {
                let group = &self.hints.groups[group];
                met.push((group, &group.images[image]));
            }
        }
        met
    }
}

/// Whether every group of screens with enough views has met the element, and holds this of it.
pub(in crate::html) fn in_every_group(
    hints: &TemplateHints,
    met: &Met<'_>,
    holds: impl Fn(&GroupHints, &ImageHint) -> bool,
) -> bool {
    hints.ready().all(|ready| {
        let mut here = met
            .iter()
            .filter(|(group, _)| group.viewport == ready.viewport)
            .peekable();
        here.peek().is_some() && here.all(|(group, image)| holds(group, image))
    })
}

/// Why nothing is decided about the images of a template, as long as that is so: a screen of which nothing is
/// known can show anything first (H60).
pub(in crate::html) fn too_little(hints: &TemplateHints) -> Option<&'static str> {
    match (hints.group(Viewport::Phone), hints.group(Viewport::Desktop)) {
        (Some(_), Some(_)) => None,
        (None, _) => Some("too few visits with phones yet"),
        (_, None) => Some("too few visits with desktops yet"),
    }
}
