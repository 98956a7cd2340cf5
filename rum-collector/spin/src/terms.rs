//! The terms that beacons are taken on, from `spin:variables`.

use std::cell::RefCell;
use std::rc::Rc;

use vitrine_rum_collector::collect::Terms;

/// The current terms. The variables are read for every request, and parsed when one of them has changed.
pub(crate) async fn current() -> Rc<Terms> {
    type Cached = ([String; 3], Rc<Terms>);
    thread_local!(static TERMS: RefCell<Option<Cached>> = const { RefCell::new(None) });
    let variables = [
        variable("rum_settings").await,
        variable("rum_key").await,
        variable("rum_key_previous").await,
    ];
    TERMS.with_borrow_mut(|cached| {
        if let Some((known, terms)) = cached
            && *known == variables
        {
            return Rc::clone(terms);
        }
        let [settings, key, previous] = &variables;
        let terms = Rc::new(Terms::load(
            settings,
            &[key.as_bytes(), previous.as_bytes()],
        ));
        *cached = Some((variables, Rc::clone(&terms)));
        terms
    })
}

/// A variable; one that cannot be read counts as empty.
async fn variable(name: &str) -> String {
    spin_sdk::variables::get(name).await.unwrap_or_default()
}
