//! `[rum]` of `vitrine.toml`: what the collector, and the pass that injects the beacon, act on.

use serde::{Deserialize, Serialize};

/// `[rum]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own in the merchant's file"
)]
pub struct Settings {
    /// Whether real-user metrics are collected at all.
    ///
    /// ### Default
    /// `true`
    pub enabled: bool,
    /// Share of visitor buckets that report, in percent. Sampling is by visitor, never by page view.
    ///
    /// ### Default
    /// `100`
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 100)))]
    pub sample_percent: u8,
    /// Beacons per second that one client may send before it is answered `429`.
    ///
    /// ### Default
    /// `10`
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1000)))]
    pub client_per_second: u32,
    /// Beacons per second that the whole site may send before clients are answered `429`.
    ///
    /// ### Default
    /// `300`
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 100_000)))]
    pub site_per_second: u32,
    /// Whether `Sec-GPC: 1` (Global Privacy Control) keeps a visitor out of RUM. The beacon script itself stays
    /// silent in such a browser whatever is set here.
    ///
    /// ### Default
    /// `true`
    pub honour_gpc: bool,
    /// Whether beacons of declared bots are kept in a table of their own. Otherwise they are dropped.
    ///
    /// ### Default
    /// `false`
    pub keep_bots: bool,
    /// Whether browsers that something drives (`WebDriver`, headless) count as visitors. For laboratories and
    /// demonstrations: in a shop's own numbers they have no place.
    ///
    /// ### Default
    /// `false`
    pub count_automation: bool,
    /// Origins (`https://www.example.com`) whose pages may send beacons, beside the host that the beacon is sent
    /// to. Needed where a proxy in front of Vitrine changes the host name.
    ///
    /// ### Default
    /// `[]`
    #[cfg_attr(
        feature = "schema",
        schemars(
            length(max = 32),
            extend("items" = {"type": "string", "format": "http-origin"})
        )
    )]
    pub allowed_origins: Vec<String>,
    /// Days that raw beacons are kept.
    ///
    /// ### Default
    /// `30`
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 400)))]
    pub retention_days: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            sample_percent: 100,
            client_per_second: 10,
            site_per_second: 300,
            honour_gpc: true,
            keep_bots: false,
            count_automation: false,
            allowed_origins: Vec::new(),
            retention_days: 30,
        }
    }
}
