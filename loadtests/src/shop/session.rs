//! Shoppers: a cookie, and the cart that goes with it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::catalog::{Product, product_by_slug};
use super::noise::scramble;

/// Name of the session cookie.
pub(crate) const COOKIE: &str = "sid";

/// Sessions held at most, so that a load test cannot exhaust the machine; the oldest give way.
const MAX_SESSIONS: usize = 20_000;
/// Largest quantity of one line, as shops limit it.
pub(crate) const MAX_QUANTITY: u32 = 99;

/// What one shopper has put aside.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub(crate) struct Cart {
    lines: Vec<(&'static str, u32)>,
}

impl Cart {
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&'static Product, u32)> + '_ {
        self.lines
            .iter()
            .filter_map(|&(slug, quantity)| Some((product_by_slug(slug)?, quantity)))
    }

    pub(crate) fn count(&self) -> u32 {
        self.lines.iter().map(|line| line.1).sum()
    }

    pub(crate) fn cents(&self) -> u32 {
        self.lines()
            .map(|(product, quantity)| product.cents * quantity)
            .sum()
    }

    pub(crate) fn add(&mut self, product: &Product, quantity: u32) {
        let now = self.quantity(product.slug);
        self.set(product, now + quantity);
    }

    /// Sets a line's quantity; none removes the line.
    pub(crate) fn set(&mut self, product: &Product, quantity: u32) {
        let Some(product) = product_by_slug(product.slug) else {
            return;
        };
        let quantity = quantity.min(MAX_QUANTITY);
        match self.lines.iter_mut().find(|line| line.0 == product.slug) {
            Some(line) => line.1 = quantity,
            None => self.lines.push((product.slug, quantity)),
        }
        self.lines.retain(|line| line.1 > 0);
    }

    pub(crate) fn clear(&mut self) {
        self.lines.clear();
    }

    fn quantity(&self, slug: &str) -> u32 {
        self.lines
            .iter()
            .find(|line| line.0 == slug)
            .map_or(0, |line| line.1)
    }
}

/// All shoppers of this run of the shop.
pub(crate) struct Sessions {
    seed: u64,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    issued: u64,
    carts: HashMap<String, (u64, Cart)>,
}

impl Sessions {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            inner: Mutex::default(),
        }
    }

    /// A new session. The names follow from the seed and the order in which shoppers come.
    pub(crate) fn open(&self) -> String {
        let mut inner = self.lock();
        inner.issued += 1;
        let number = inner.issued;
        let sid = format!(
            "{:016x}{:016x}",
            scramble(self.seed ^ number),
            scramble(number ^ !self.seed)
        );
        if inner.carts.len() >= MAX_SESSIONS {
            let horizon = number.saturating_sub(MAX_SESSIONS as u64 / 2);
            inner.carts.retain(|_, (born, _)| *born > horizon);
        }
        inner.carts.insert(sid.clone(), (number, Cart::default()));
        sid
    }

    /// The shopper's cart; `None` when the shop does not know the cookie.
    pub(crate) fn cart(&self, sid: &str) -> Option<Cart> {
        self.lock().carts.get(sid).map(|(_, cart)| cart.clone())
    }

    pub(crate) fn change(&self, sid: &str, change: impl FnOnce(&mut Cart)) {
        if let Some((_, cart)) = self.lock().carts.get_mut(sid) {
            change(cart);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shop::catalog::PRODUCTS;

    #[test]
    fn a_cart_belongs_to_one_shopper() {
        let sessions = Sessions::new(1);
        let (ann, bob) = (sessions.open(), sessions.open());
        sessions.change(&ann, |cart| cart.add(&PRODUCTS[0], 2));
        assert_eq!(sessions.cart(&ann).unwrap().count(), 2);
        assert_eq!(sessions.cart(&bob).unwrap().count(), 0);
        assert_eq!(sessions.cart("unknown"), None);
    }

    #[test]
    fn a_line_set_to_nothing_is_gone_and_quantities_have_a_limit() {
        let mut cart = Cart::default();
        cart.add(&PRODUCTS[0], 1_000);
        assert_eq!(cart.count(), MAX_QUANTITY);
        cart.set(&PRODUCTS[0], 0);
        assert_eq!(cart, Cart::default());
    }
}
