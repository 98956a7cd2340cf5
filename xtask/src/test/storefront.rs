//! Storefronts that run, as part of the corpus: their pages are looked at live in a browser, and saved.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::work::{beside, staged};
use super::{DEMO, EVERSHOP_URL, ON, OSCAR_ON, OSCAR_URL};
use crate::place;
use crate::step::run as must;

/// A storefront, and what a shopper does there (see `storefront.mjs`).
pub(super) struct Storefront {
    name: &'static str,
    config: &'static str,
    /// Where it runs; the demo shop is started for the occasion.
    origin: Option<&'static str>,
    words: &'static [&'static str],
    /// Its pages with pictures (see `catalogue.mjs`), and those that have fewer bytes of them through Vitrine.
    catalogue: Option<(&'static str, &'static str)>,
}

pub(super) const DEMO_SHOP: Storefront = Storefront {
    name: "demo",
    config: DEMO,
    origin: None,
    words: &["--product", "/p/ember-mug", "--also", "/cart,/checkout"],
    catalogue: None,
};

pub(super) const EVERSHOP: Storefront = Storefront {
    name: "evershop",
    config: ON,
    origin: Some(EVERSHOP_URL),
    words: &[
        "--product",
        "/accessories/ceramic-coffee-cup-white",
        "--choose",
        "White",
        "--also",
        "/search?keyword=cup,/cart,/checkout,/account/login",
    ],
    catalogue: Some((
        "home=/,category=/accessories,product=/accessories/ceramic-coffee-cup-white",
        "home,category",
    )),
};

pub(super) const OSCAR: Storefront = Storefront {
    name: "oscar",
    config: OSCAR_ON,
    origin: Some(OSCAR_URL),
    words: &[
        "--product",
        "/catalogue/laptop_1/",
        "--cart",
        "/basket/",
        "--checkout",
        "/checkout/",
        "--also",
        "/search/?q=lamp,/basket/,/checkout/,/accounts/login/",
    ],
    catalogue: Some((
        "home=/,category=/catalogue/?page=2,product=/catalogue/laptop_1/",
        "home,category,product",
    )),
};

/// Where the pages of all of them are.
pub(super) fn folders() -> [PathBuf; 3] {
    [DEMO_SHOP, EVERSHOP, OSCAR].map(|storefront| storefront.folder())
}

impl Storefront {
    /// Where its pages are saved.
    fn folder(&self) -> PathBuf {
        place::target().join("storefronts").join(self.name)
    }

    /// Its pages straight and through Vitrine, with every default on.
    pub(super) fn browse(&self) -> anyhow::Result<()> {
        must(
            self.through("storefront.mjs", &self.folder())
                .args(self.words),
        )
    }

    /// Its pictures straight and through Vitrine, side by side.
    pub(super) fn show(&self) -> anyhow::Result<()> {
        let (pages, smaller) = self.catalogue.context("this shop has no catalogue")?;
        let mut script = self.through(
            "catalogue.mjs",
            &place::target().join("catalogue").join(self.name),
        );
        must(script.args(["--pages", pages, "--smaller", smaller]))
    }

    /// A script of the browser lab over this shop, with a folder for what it saves.
    fn through(&self, script: &str, folder: &Path) -> Command {
        let mut lab = match self.origin {
            None => staged(self.config),
            Some(origin) => beside(self.config, origin),
        };
        lab.arg("node")
            .arg(place::browser().join(script))
            .args(["--origin", "{origin}", "--vitrine", "{vitrine}"])
            .arg("--folder")
            .arg(folder);
        lab
    }
}
