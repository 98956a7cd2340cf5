//! `Config`, as the merchant wrote it in `vitrine.toml`, and `Policy`, as the edge uses it.
//!
//! The file is parsed and checked by the `vitrine` binary only (feature `authoring`); guests load the
//! compiled [`Policy`] from the variable `policy` and never see TOML.
//!
//! Every key states its default, its unit and its bound, in the form that the generated JSON Schema and
//! `docs/configuration.md` carry on; a test walks the schema and fails for a key that lacks one.

#[cfg(feature = "authoring")]
mod conflict;
#[cfg(feature = "authoring")]
mod finding;
#[cfg(feature = "authoring")]
mod format;
#[cfg(feature = "authoring")]
mod load;
mod overrides;
mod pattern;
#[cfg(feature = "authoring")]
mod reference;
#[cfg(feature = "authoring")]
mod schema;
#[cfg(feature = "authoring")]
mod walk;

use serde::{Deserialize, Serialize};

#[cfg(feature = "authoring")]
pub use self::finding::{Finding, Findings, Severity};
#[cfg(feature = "authoring")]
pub use self::load::{Compiled, ReadFile, load, load_for, load_with};
pub use self::overrides::Override;
pub use self::pattern::{PathPattern, PatternError, PatternProblem};
#[cfg(feature = "authoring")]
pub use self::reference::reference;
#[cfg(feature = "authoring")]
pub use self::schema::json_schema;
use crate::html::passes;
use crate::route::Route;

/// `vitrine.toml`, as written.
#[cfg(feature = "authoring")]
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The off switch: `false` passes every byte through untouched.
    ///
    /// ### Default
    /// `true`
    pub enabled: Enabled,
    /// The site, as reports name it.
    pub site: Site,
    /// Where the shop is and how patient to be with it.
    pub origin: vitrine_origin_adapter::settings::Settings,
    /// Page templates, first match wins. A page that matches none is `other`.
    ///
    /// ### Default
    /// `[]`
    #[schemars(length(max = 64))]
    pub templates: Vec<Template>,
    /// Pages that nothing may touch, beside the built-in list (cart, checkout, account, login, payment).
    pub sacred: Sacred,
    /// Text compression at the edge.
    pub compression: Compression,
    /// Image formats negotiated at the image's own URL.
    pub images: Images,
    /// The shared cache of static assets and images.
    pub cache: Cache,
    /// Real-user metrics.
    pub rum: vitrine_rum_collector::settings::Settings,
    /// The holdback: visitors who get the shop as it is, to measure against.
    pub holdback: Holdback,
    /// The second look at pages on their way.
    pub audit: Audit,
    /// What may be done to pages.
    pub passes: passes::Config,
    /// Where passes are on or off against `[passes]`. Of several that speak of a pass, the last decides.
    ///
    /// ### Default
    /// `[]`
    #[schemars(length(max = 64))]
    pub overrides: Vec<Override>,
}

/// What the edge acts on. Compiled from [`Config`]; the serialised form is the variable `policy`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Digest of the configuration, in cache keys and reports.
    pub version: String,
    /// See `Config::enabled`.
    pub enabled: Enabled,
    /// See `Config::site`.
    pub site: Site,
    /// See `Config::templates`.
    pub templates: Vec<Template>,
    /// See `Config::sacred`.
    pub sacred: Sacred,
    /// See `Config::compression`.
    pub compression: Compression,
    /// See `Config::images`.
    pub images: Images,
    /// See `Config::cache`.
    pub cache: Cache,
    /// See `Config::rum`.
    pub rum: vitrine_rum_collector::settings::Settings,
    /// See `Config::holdback`.
    pub holdback: Holdback,
    /// See `Config::audit`.
    pub audit: Audit,
    /// See `Config::passes`.
    pub passes: passes::Config,
    /// See `Config::overrides`.
    pub overrides: Vec<Override>,
}

#[cfg(feature = "authoring")]
impl From<&Config> for Policy {
    fn from(config: &Config) -> Self {
        let Config {
            enabled,
            site,
            origin: _,
            templates,
            sacred,
            compression,
            images,
            cache,
            rum,
            holdback,
            audit,
            passes,
            overrides,
        } = config.clone();
        Self {
            version: String::new(),
            enabled,
            site,
            templates,
            sacred,
            compression,
            images,
            cache,
            rum,
            holdback,
            audit,
            passes,
            overrides,
        }
    }
}

impl Policy {
    /// Whether a journey has nothing that it may do: then the request goes on as the client wrote it, with
    /// its conditions, ranges and encodings, as if everything were off.
    pub(crate) fn leaves_alone(&self, route: Route) -> bool {
        let nothing_else = !self.compression.enabled;
        match route {
            Route::Page => {
                let switched_on = self.overrides.iter().any(|o| !o.on.is_empty());
                nothing_else && self.passes.is_off() && !switched_on
            }
            Route::Asset | Route::Image => nothing_else && !self.cache.enabled,
            Route::Reserved | Route::Operator | Route::Sized | Route::Fonts | Route::Pass(_) => {
                false
            }
        }
    }
}

/// A switch that is on unless written otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema), schemars(inline))]
#[serde(transparent)]
pub struct Enabled(pub bool);

impl Default for Enabled {
    fn default() -> Self {
        Self(true)
    }
}

/// `[site]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Site {
    /// A short name for reports and metrics: lower-case letters, digits and dashes.
    ///
    /// ### Default
    /// `"shop"`
    #[cfg_attr(feature = "authoring", schemars(regex(pattern = "^[a-z0-9-]{1,32}$")))]
    pub id: String,
}

impl Default for Site {
    fn default() -> Self {
        Self { id: "shop".into() }
    }
}

/// `[[templates]]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// The template's name in reports: lower-case letters, digits and dashes.
    ///
    /// ### Default
    /// None: a template has a name.
    #[cfg_attr(feature = "authoring", schemars(regex(pattern = "^[a-z0-9-]{1,32}$")))]
    pub name: String,
    /// The pages of this template, as a path pattern: `*` stands for one segment or a part of it, `**` for
    /// any number of segments.
    ///
    /// ### Default
    /// None: a template has a path.
    pub path: PathPattern,
}

/// `[sacred]`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Sacred {
    /// Further path patterns that nothing may touch, in the form of `templates.path`.
    ///
    /// ### Default
    /// `[]`
    #[cfg_attr(feature = "authoring", schemars(length(max = 64)))]
    pub paths: Vec<PathPattern>,
}

/// `[compression]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Compression {
    /// Whether text that the origin sent uncompressed is compressed.
    ///
    /// ### Default
    /// `true`
    pub enabled: bool,
    /// Brotli quality of pages, which are compressed while they stream.
    ///
    /// ### Default
    /// `5`
    #[cfg_attr(feature = "authoring", schemars(range(min = 0, max = 11), extend("x-unit" = "quality levels")))]
    pub brotli_quality: u8,
}

impl Default for Compression {
    fn default() -> Self {
        Self {
            enabled: true,
            brotli_quality: 5,
        }
    }
}

/// `[images]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Images {
    /// Whether JPEG, PNG, WebP and GIF may be answered as AVIF or WebP, or smaller in their own format, at the same URL.
    /// An animated GIF is answered as animated WebP.
    ///
    /// ### Default
    /// `true`
    pub enabled: bool,
    /// Smallest source worth the work, in bytes.
    ///
    /// ### Default
    /// `10240`
    #[cfg_attr(feature = "authoring", schemars(range(min = 1024, max = 20_000_000)))]
    pub min_bytes: u32,
    /// AVIF quality, on JPEG's scale: 75 is the web's standard, 55 does on slow connections, 88 is for looking closely.
    ///
    /// ### Default
    /// `75`
    #[cfg_attr(feature = "authoring", schemars(range(min = 1, max = 100), extend("x-unit" = "quality points")))]
    pub avif_quality: u8,
    /// Quality of WebP, and of a JPEG that is compressed again.
    ///
    /// ### Default
    /// `78`
    #[cfg_attr(feature = "authoring", schemars(range(min = 1, max = 100), extend("x-unit" = "quality points")))]
    pub jpeg_quality: u8,
    /// Whether pages ask browsers for their screen and line (`Accept-CH`), and images at `/_v/i/` follow the answers. An
    /// image then depends on a few headers more, which a cache in front has to keep apart. `Save-Data` counts in any case.
    ///
    /// ### Default
    /// `false`
    pub client_hints: bool,
    /// Whether an SVG that is opened by itself, or framed by another site, is sent with a policy under which none of its
    /// scripts run: they would run as the shop's. Its bytes stay as they are, and what the shop's own pages frame does
    /// too.
    ///
    /// ### Default
    /// `true`
    pub guard_svg: bool,
}

impl Default for Images {
    fn default() -> Self {
        Self {
            enabled: true,
            min_bytes: 10_240,
            avif_quality: 75,
            jpeg_quality: 78,
            client_hints: false,
            guard_svg: true,
        }
    }
}

/// `[cache]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Cache {
    /// Whether static assets and images are kept at the edge.
    ///
    /// ### Default
    /// `true`
    pub enabled: bool,
    /// Largest body kept, in bytes.
    ///
    /// ### Default
    /// `8388608`
    #[cfg_attr(feature = "authoring", schemars(range(min = 1024, max = 67_108_864)))]
    pub max_body_bytes: u32,
    /// How long a stale asset may still be served while it is fetched anew, in seconds.
    ///
    /// ### Default
    /// `86400`
    #[cfg_attr(feature = "authoring", schemars(range(min = 0, max = 31_536_000)))]
    pub stale_while_revalidate_s: u32,
    /// Templates whose pages are kept to answer browsers that fetch ahead (see `passes.speculation_rules`), for
    /// at most a minute, and only pages of up to a mebibyte that the shop itself declares public and fresh.
    /// Nothing else is answered from them.
    ///
    /// ### Default
    /// `[]`
    #[cfg_attr(
        feature = "authoring",
        schemars(
            length(max = 16),
            extend("items" = serde_json::json!({"type": "string", "pattern": "^[a-z0-9-]{1,32}$"}))
        )
    )]
    pub pages: Vec<String>,
    /// Cookies by which the shop numbers its visitors, when it sets them with every file, pictures and style sheets too.
    /// A file that sets nothing else and that the shop itself declares `public` is kept without them. Pages never are.
    /// For `evershop` it is `sid`.
    ///
    /// ### Default
    /// `[]`
    #[cfg_attr(
        feature = "authoring",
        schemars(
            length(max = 8),
            extend("items" = serde_json::json!({"type": "string", "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$"}))
        )
    )]
    pub session_cookies: Vec<String>,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            enabled: true,
            max_body_bytes: 8 << 20,
            stale_while_revalidate_s: 86_400,
            pages: Vec::new(),
            session_cookies: Vec::new(),
        }
    }
}

/// `[audit]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// Of this many rewritten pages, one is held against what the shop sent, by a second parser and when the
    /// visitor has it. A pass that changed what it should not is then off for that template, until this file
    /// changes; the log and `vitrine explain` say why. 0 checks none.
    ///
    /// ### Default
    /// `500`
    #[cfg_attr(feature = "authoring", schemars(range(min = 0, max = 1_000_000), extend("x-unit" = "pages")))]
    pub one_in: u32,
}

impl Default for Audit {
    fn default() -> Self {
        Self { one_in: 500 }
    }
}

/// `[holdback]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Holdback {
    /// Share of visitors held back, in percent. They get RUM, and nothing else.
    ///
    /// ### Default
    /// `2`
    #[cfg_attr(feature = "authoring", schemars(range(min = 0, max = 50)))]
    pub percent: u8,
}

impl Default for Holdback {
    fn default() -> Self {
        Self { percent: 2 }
    }
}
