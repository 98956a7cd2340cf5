//! Any HTTP origin: pages, assets and images, and no cart API.

use super::Shop;

/// A shop of which nothing is known but its address.
#[derive(Debug)]
pub(super) struct Generic;

impl Shop for Generic {
    fn name(&self) -> &'static str {
        "generic"
    }
}
