//! Selectors, parsed once: the same few are asked for on every page.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use lol_html::Selector;

/// Most selectors that are kept. Rules, overrides and hints name far fewer; past that, all are parsed anew.
const MAX_KEPT: usize = 1024;

thread_local! {
    static KEPT: RefCell<HashMap<String, Option<Rc<Selector>>>> = RefCell::default();
}

/// The selector that a text stands for. `None` for a text that is none.
pub(super) fn parsed(text: &str) -> Option<Rc<Selector>> {
    KEPT.with_borrow_mut(|kept| {
        if let Some(known) = kept.get(text) {
            return known.clone();
        }
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        let selector = text.parse().ok().map(Rc::new);
        kept.insert(text.to_owned(), selector.clone());
        selector
    })
}
