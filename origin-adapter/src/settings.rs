//! `[origin]` of `vitrine.toml`: where the shop is, what it is, and how patient to be with it.

#![allow(
    clippy::doc_markdown,
    reason = "the comments are shown to merchants as they are"
)]

use serde::{Deserialize, Serialize};

/// Which commerce backend answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Any HTTP origin: pages, assets and images, no cart API.
    #[default]
    Generic,
    /// EverShop 2: pages as above, and its cart behind `/_v/cart`.
    Evershop,
}

/// `[origin]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The shop's own address: scheme, host and port, no path.
    ///
    /// ### Default
    /// `"http://127.0.0.1:3000"`
    #[cfg_attr(feature = "schema", schemars(extend("format" = "http-origin")))]
    pub url: String,
    /// Which commerce backend answers there.
    ///
    /// ### Default
    /// `"generic"`
    pub shop: Kind,
    /// Currency of the cart where the backend does not say, an ISO 4217 code.
    ///
    /// ### Default
    /// `"USD"`
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^[A-Z]{3}$")))]
    pub currency: String,
    /// Longest wait for a connection, in milliseconds.
    ///
    /// ### Default
    /// `500`
    #[cfg_attr(feature = "schema", schemars(range(min = 10, max = 60_000)))]
    pub connect_timeout_ms: u32,
    /// Longest wait for the first byte of a page, an asset or an image, in milliseconds.
    ///
    /// ### Default
    /// `10000`
    #[cfg_attr(feature = "schema", schemars(range(min = 50, max = 120_000)))]
    pub first_byte_timeout_ms: u32,
    /// Longest silence between two pieces of a body, in milliseconds.
    ///
    /// ### Default
    /// `15000`
    #[cfg_attr(feature = "schema", schemars(range(min = 50, max = 120_000)))]
    pub between_bytes_timeout_ms: u32,
    /// Whether a failed idempotent request is tried once more.
    ///
    /// ### Default
    /// `true`
    pub retry: bool,
    /// Failures in a row after which the shop is left alone for a while (the circuit opens).
    ///
    /// ### Default
    /// `5`
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1000), extend("x-unit" = "failures")))]
    pub breaker_failures: u32,
    /// How long the circuit stays open before one probe is let through, in milliseconds.
    ///
    /// ### Default
    /// `5000`
    #[cfg_attr(feature = "schema", schemars(range(min = 100, max = 600_000)))]
    pub breaker_open_ms: u32,
    /// Where Google's font style sheets are, for `passes.google_fonts`.
    ///
    /// ### Default
    /// `"https://fonts.googleapis.com"`
    #[cfg_attr(feature = "schema", schemars(extend("format" = "http-origin")))]
    pub font_sheets: String,
    /// Where the font files are that those style sheets name.
    ///
    /// ### Default
    /// `"https://fonts.gstatic.com"`
    #[cfg_attr(feature = "schema", schemars(extend("format" = "http-origin")))]
    pub font_files: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: "http://127.0.0.1:3000".into(),
            shop: Kind::Generic,
            currency: "USD".into(),
            connect_timeout_ms: 500,
            first_byte_timeout_ms: 10_000,
            between_bytes_timeout_ms: 15_000,
            retry: true,
            breaker_failures: 5,
            breaker_open_ms: 5_000,
            font_sheets: "https://fonts.googleapis.com".into(),
            font_files: "https://fonts.gstatic.com".into(),
        }
    }
}
