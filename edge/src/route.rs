//! Which journey a request takes. Pure: method, path and a few request headers decide; whether a response
//! is a page is decided later, by the response.

use http::{HeaderMap, Method, Uri};

use crate::config::Policy;
use crate::headers::tokens;
use crate::sized;

/// One of the four components.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Component {
    /// This crate.
    Edge,
    /// `vitrine-origin-adapter`.
    OriginAdapter,
    /// `vitrine-rum-collector`.
    RumCollector,
}

/// Which component answers which path, in the notation of `spin.toml`; the longest match wins. A test
/// holds `spin.toml` against this table, and hosts where a service is one module dispatch by it.
pub const ROUTES: &[(&str, Component)] = &[
    ("/...", Component::Edge),
    ("/_v/cart/...", Component::OriginAdapter),
    ("/_v/adapter/...", Component::OriginAdapter),
    ("/_v/b", Component::RumCollector),
    ("/_v/rum/...", Component::RumCollector),
];

/// The component that answers a path (without its query).
pub fn component(path: &str) -> Component {
    ROUTES
        .iter()
        .filter(|(pattern, _)| match pattern.strip_suffix("/...") {
            Some(prefix) => path
                .strip_prefix(prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            None => path == *pattern,
        })
        .max_by_key(|(pattern, _)| pattern.len())
        .map_or(Component::Edge, |(_, component)| *component)
}

/// A journey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Looks like a page.
    Page,
    /// Looks like a static asset.
    Asset,
    /// Looks like an image.
    Image,
    /// `/_v/i/…`: an image of the shop at a width.
    Sized,
    /// `/_v/explain` and `/_v/hints`.
    Operator,
    /// Under `/_v/fonts`.
    Fonts,
    /// Under `/_v`, and nothing of ours.
    Reserved,
    /// Passed through untouched, for this reason.
    Pass(&'static str),
}

/// Paths that nothing touches, whatever the policy says (H89). A path segment counts with or without an
/// extension or parameters: `cart`, `cart.php`, `cart;.js`.
pub(crate) const SACRED_SEGMENTS: &[&str] = &[
    "account",
    "accounts",
    "admin",
    "bag",
    "basket",
    "cart",
    "carts",
    "checkout",
    "checkouts",
    "customer",
    "login",
    "logout",
    "my-account",
    "order",
    "orders",
    "pay",
    "payment",
    "payments",
    "preview",
    "register",
    "signin",
    "sign-in",
    "signout",
    "signup",
    "sign-up",
    "wishlist",
    "wishlists",
    "wp-admin",
];
/// Query parameters that do something, or show what is not public.
const SACRED_PARAMETERS: &[&str] = &[
    "add-to-cart",
    "add_to_cart",
    "remove_item",
    "remove-item",
    "preview",
    "preview_id",
    "wc-ajax",
];
pub(crate) const IMAGE_SUFFIXES: &[&str] = &[
    "jpg", "jpeg", "png", "gif", "webp", "avif", "ico", "svg", "bmp",
];
pub(crate) const ASSET_SUFFIXES: &[&str] = &[
    "css",
    "js",
    "mjs",
    "woff",
    "woff2",
    "ttf",
    "otf",
    "eot",
    "map",
    "wasm",
    "webmanifest",
];

impl Route {
    /// Chooses the journey.
    pub fn of(method: &Method, uri: &Uri, headers: &HeaderMap, policy: &Policy) -> Self {
        let path = decoded(uri.path());
        if let Some(rest) = reserved(&path) {
            return match rest {
                "/explain" | "/hints" => Self::Operator,
                _ if rest.starts_with("/fonts/") => Self::Fonts,
                rest if rest.starts_with(sized::UNDER) => Self::Sized,
                _ => Self::Reserved,
            };
        }
        if method != Method::GET && method != Method::HEAD {
            return Self::Pass("method");
        }
        if is_sacred(&path, uri.query().unwrap_or_default(), policy) {
            return Self::Pass("sacred");
        }
        let destination = headers.get("sec-fetch-dest").and_then(|v| v.to_str().ok());
        match (suffix(&path), destination) {
            (Some(suffix), _) if IMAGE_SUFFIXES.contains(&suffix.as_str()) => Self::Image,
            (Some(suffix), _) if ASSET_SUFFIXES.contains(&suffix.as_str()) => Self::Asset,
            (_, Some("image")) => Self::Image,
            (_, Some("script" | "style" | "font" | "manifest" | "worker")) => Self::Asset,
            (_, None) if prefers_images(headers) => Self::Image,
            _ => Self::Page,
        }
    }

    /// The journey's name in ledgers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Asset => "asset",
            Self::Image | Self::Sized => "image",
            Self::Operator => "operator",
            Self::Fonts => "fonts",
            Self::Reserved => "reserved",
            Self::Pass(_) => "pass",
        }
    }
}

fn prefers_images(headers: &HeaderMap) -> bool {
    tokens(headers, &http::header::ACCEPT)
        .next()
        .is_some_and(|first| first.starts_with("image/"))
}

/// Whether an operator asks about hints.
pub(crate) fn is_hints(path: &str) -> bool {
    reserved(&decoded(path)) == Some("/hints")
}

/// What follows the reserved prefix.
fn reserved(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/_v")?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

/// Segments of sacred paths that change something by being visited.
const LEAVING: &[&str] = &["logout", "signout"];

/// Whether a request for something sacred changes what the shop shows this visitor: a cart, an account, a login.
pub fn changes_state(method: &Method, uri: &Uri, policy: &Policy) -> bool {
    let (path, query) = (decoded(uri.path()), uri.query().unwrap_or_default());
    if !is_sacred(&path, query, policy) {
        return false;
    }
    let leaves = || {
        path.split('/')
            .any(|s| LEAVING.iter().any(|l| s.eq_ignore_ascii_case(l)))
    };
    !method.is_safe() || leaves() || is_sacred("/", query, policy)
}

/// Whether nothing may touch this path.
pub fn is_sacred(path: &str, query: &str, policy: &Policy) -> bool {
    let segment_is_sacred = |segment: &str| {
        let stem = segment.split(['.', ';']).next().unwrap_or_default();
        SACRED_SEGMENTS
            .iter()
            .any(|sacred| stem.eq_ignore_ascii_case(sacred))
    };
    let parameter_is_sacred = |pair: &str| {
        let name = decoded(pair.split('=').next().unwrap_or_default());
        SACRED_PARAMETERS
            .iter()
            .any(|sacred| name.eq_ignore_ascii_case(sacred))
    };
    path.split('/').any(segment_is_sacred)
        || query.split('&').any(parameter_is_sacred)
        || policy
            .sacred
            .paths
            .iter()
            .any(|pattern| pattern.matches(path))
}

/// The page template of a path: the first pattern that matches, or `other`.
pub fn template<'a>(path: &str, policy: &'a Policy) -> &'a str {
    policy
        .templates
        .iter()
        .find(|template| template.path.matches(path))
        .map_or("other", |template| &template.name)
}

/// A path as the strictest origin could read it: percent-decoded until nothing changes (so that a doubly
/// encoded `%255F` cannot slip by), without empty and `.` segments, `..` resolved, backslashes as slashes.
pub fn decoded(path: &str) -> String {
    let mut bytes = path.as_bytes().to_vec();
    // Each round shortens the text; four rounds of encoding are already nobody's honest URL.
    for _ in 0..4 {
        let next = percent_decode(&bytes);
        if next == bytes {
            break;
        }
        bytes = next;
    }
    let text = String::from_utf8_lossy(&bytes).replace('\\', "/");
    if !text.starts_with('/') {
        return text;
    }
    let mut segments: Vec<&str> = Vec::new();
    for segment in text.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    let slash = if text.ends_with('/') && !segments.is_empty() {
        "/"
    } else {
        ""
    };
    format!("/{}{slash}", segments.join("/"))
}

fn percent_decode(bytes: &[u8]) -> Vec<u8> {
    let hex = |b: u8| (b as char).to_digit(16).map(|d| d as u8);
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes.get(at + 1..at + 3);
        match (
            bytes[at],
            pair.and_then(|p| Some(hex(p[0])? << 4 | hex(p[1])?)),
        ) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

fn suffix(path: &str) -> Option<String> {
    let (stem, suffix) = path.rsplit('/').next()?.rsplit_once('.')?;
    (!stem.is_empty() && suffix.len() <= 11).then(|| suffix.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> Route {
        of_with(path, &[])
    }

    fn of_with(path: &str, headers: &[(&'static str, &str)]) -> Route {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        Route::of(
            &Method::GET,
            &path.parse().unwrap(),
            &map,
            &Policy::default(),
        )
    }

    #[test]
    fn the_shape_of_the_request_hints_at_the_journey() {
        assert_eq!(of("/"), Route::Page);
        assert_eq!(of("/p/7"), Route::Page);
        assert_eq!(of("/static/app.css?v=2"), Route::Asset);
        assert_eq!(of("/img/7.JPG"), Route::Image);
        assert_eq!(
            of_with("/media/7", &[("accept", "image/avif,image/webp,*/*")]),
            Route::Image
        );
        assert_eq!(
            of_with("/media/7", &[("sec-fetch-dest", "image")]),
            Route::Image
        );
        assert_eq!(
            of_with("/loader", &[("sec-fetch-dest", "script")]),
            Route::Asset
        );
        assert_eq!(
            of_with("/p/7", &[("accept", "text/html,image/avif,*/*;q=0.8")]),
            Route::Page
        );
    }

    #[test]
    fn reserved_paths_are_reserved_in_every_spelling() {
        assert_eq!(of("/_v/explain?url=/"), Route::Operator);
        assert_eq!(of("/_v/fonts/css2?family=Inter"), Route::Fonts);
        for path in [
            "/_v",
            "/_v/",
            "/_v/b",
            "/%5Fv/b",
            "/%255fv/b",
            "/_%76/rum/x.js",
            "//_v/x",
            "/a/../_v/x",
        ] {
            assert_eq!(of(path), Route::Reserved, "{path}");
        }
        assert_eq!(of("/_visit"), Route::Page);
        assert_eq!(of("/a/_v/b"), Route::Page);
    }

    #[test]
    fn sacred_paths_are_passed_through_in_every_spelling() {
        for path in [
            "/cart",
            "/Cart/",
            "/cart.php",
            "/cart;.js",
            "/cart%2fadd.css",
            "/en/checkout/shipping",
            "/account/x.css",
            "/%61ccount",
            "/shop?add-to-cart=12",
            "/?x=1&add%2Dto-cart=1",
            "/products/7?preview=true",
            "/customer/account/login",
            "/my-account",
        ] {
            assert_eq!(of(path), Route::Pass("sacred"), "{path}");
        }
        for path in [
            "/cartoons",
            "/p/border",
            "/category/cart-covers",
            "/accounting-books",
        ] {
            assert_ne!(of(path), Route::Pass("sacred"), "{path}");
        }
    }

    #[test]
    fn unsafe_methods_are_passed_through() {
        let route = Route::of(
            &Method::POST,
            &"/search".parse().unwrap(),
            &HeaderMap::new(),
            &Policy::default(),
        );
        assert_eq!(route, Route::Pass("method"));
    }

    #[test]
    fn the_longest_route_wins() {
        assert_eq!(component("/"), Component::Edge);
        assert_eq!(component("/_v/cart"), Component::OriginAdapter);
        assert_eq!(component("/_v/cart/1/lines"), Component::OriginAdapter);
        assert_eq!(component("/_v/cartoon"), Component::Edge);
        assert_eq!(component("/_v/b"), Component::RumCollector);
        assert_eq!(component("/_v/bb"), Component::Edge);
        assert_eq!(component("/_v/rum/x.js"), Component::RumCollector);
    }

    #[test]
    #[cfg(feature = "authoring")]
    fn spin_toml_routes_as_the_table_says() {
        let text = include_str!("../../spin.toml");
        let manifest: toml::Table = text.parse().unwrap();
        let mut written: Vec<(String, String)> = manifest["trigger"]["http"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|trigger| {
                Some((
                    trigger["route"].as_str()?.to_owned(),
                    trigger["component"].as_str()?.to_owned(),
                ))
            })
            .collect();
        let name = |component| match component {
            Component::Edge => "edge",
            Component::OriginAdapter => "origin-adapter",
            Component::RumCollector => "rum-collector",
        };
        let mut expected: Vec<(String, String)> = ROUTES
            .iter()
            .map(|(route, to)| ((*route).to_owned(), name(*to).to_owned()))
            .collect();
        written.sort();
        expected.sort();
        assert_eq!(written, expected);
    }
}
