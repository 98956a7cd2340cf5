//! What browsers may fetch ahead: the rules that pages carry, and when they carry none.
//!
//! Rules name no page that the edge could not answer by itself, and whatever a browser fetches ahead is answered
//! from what is kept or not at all ([`crate::routes::prefetch`]): the shop never sees it (H92).

use http::HeaderMap;
use serde_json::{Value, json};

use crate::cache::page::has_foreign_cookies;
use crate::config::{PathPattern, Policy};
use crate::html::passes::speculation_rules::Eagerness;
use crate::route::{ASSET_SUFFIXES, IMAGE_SUFFIXES, SACRED_SEGMENTS};

/// The pass, by its name.
const PASS: &str = "speculation_rules";
/// Files that shops link to beside pages, images and assets.
const FILES: [&str; 12] = [
    "pdf", "zip", "gz", "csv", "xml", "json", "txt", "mp4", "webm", "doc", "docx", "xlsx",
];
/// Links that their author, or their meaning, keeps from being followed ahead.
const LEFT: &str = "[rel~=nofollow i],[download],[target=_blank i],[href^='#'],[data-no-prefetch],\
                    [data-no-prefetch] *";

impl Policy {
    /// Whether browsers may fetch anything ahead: the pass is on somewhere, and pages are kept.
    pub(crate) fn prefetches(&self) -> bool {
        let switched_on = || {
            self.overrides
                .iter()
                .any(|o| o.on.iter().any(|on| on == PASS))
        };
        self.cache.enabled
            && !self.cache.pages.is_empty()
            && (self.passes.speculation_rules.enabled || switched_on())
    }

    /// Whether pages of a template are kept.
    pub(crate) fn keeps_pages(&self, template: &str) -> bool {
        self.prefetches() && self.cache.pages.iter().any(|name| name == template)
    }
}

/// The rules for pages of this visitor, or why there are none.
pub(crate) fn rules_for(policy: &Policy, client: &HeaderMap) -> Result<String, &'static str> {
    let says = |name: &str| client.get(name).and_then(|value| value.to_str().ok());
    if !policy.prefetches() {
        Err("no page is kept at the edge")
    } else if says("save-data").is_some_and(|value| value.eq_ignore_ascii_case("on")) {
        Err("the visitor saves data")
    } else if says("ect").is_some_and(|kind| kind != "4g") {
        Err("the connection is slow")
    } else if has_foreign_cookies(client) {
        Err("the visitor has cookies of the shop, and kept pages are for visitors without")
    } else {
        rules(policy).ok_or("no page is kept at the edge")
    }
}

/// The rules, as ASCII that can stand in a script element.
pub(crate) fn rules(policy: &Policy) -> Option<String> {
    let kept = kept(policy);
    if kept.is_empty() {
        return None;
    }
    let eagerness = match policy.passes.speculation_rules.eagerness {
        Eagerness::Conservative => "conservative",
        Eagerness::Moderate => "moderate",
    };
    let mut never = vec![
        "/*\\?(.+)".to_owned(),
        format!("*/({}){{.*}}?{{;*}}?{{/*}}?", SACRED_SEGMENTS.join("|")),
        format!(
            "/*.({}|{}|{})",
            IMAGE_SUFFIXES.join("|"),
            ASSET_SUFFIXES.join("|"),
            FILES.join("|")
        ),
    ];
    never.extend(policy.sacred.paths.iter().map(PathPattern::url_pattern));
    let rules = json!({"prefetch": [{
        "source": "document",
        "eagerness": eagerness,
        "where": {"and": [
            {"or": kept},
            {"not": {"href_matches": never}},
            {"not": {"selector_matches": LEFT}},
        ]},
    }]});
    Some(rules.to_string().replace('<', "\\u003c"))
}

/// One condition for each template whose pages are kept. The first template that matches a path has the page, so
/// what earlier ones match is not this one's.
fn kept(policy: &Policy) -> Vec<Value> {
    let mut earlier: Vec<String> = Vec::new();
    let mut kept = Vec::new();
    for template in &policy.templates {
        let pattern = template.path.url_pattern();
        if !policy.keeps_pages(&template.name) {
            earlier.push(pattern);
        } else if earlier.is_empty() {
            kept.push(json!({"href_matches": pattern}));
        } else {
            let not = json!({"not": {"href_matches": earlier}});
            kept.push(json!({"and": [{"href_matches": pattern}, not]}));
        }
    }
    kept
}

/// Whether a browser fetches a page ahead of a click (H92).
pub(crate) fn is_ahead(client: &HeaderMap) -> bool {
    let says = |name: &str| client.get(name).and_then(|value| value.to_str().ok());
    let ahead = ["sec-purpose", "purpose", "x-moz"];
    let ahead = ahead.iter().filter_map(|name| says(name));
    ahead
        .into_iter()
        .any(|purpose| purpose.contains("prefetch"))
}

/// Whether it is a page that is fetched ahead, as far as the request tells. A script or an image that a page
/// names for later has a destination of its own, or none (`empty`).
pub(crate) fn is_page_ahead(client: &HeaderMap) -> bool {
    let says = |name: &str| client.get(name).and_then(|value| value.to_str().ok());
    is_ahead(client)
        && says("sec-fetch-dest").is_none_or(|d| matches!(d, "document" | "iframe" | "frame"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(more: &str) -> Policy {
        let text = format!(
            r#"{{"templates":[{{"name":"sale","path":"/p/sale-*"}},{{"name":"product","path":"/p/*"}},
                {{"name":"guide","path":"/guides/**"}}],"sacred":{{"paths":["/p/secret"]}},{more}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn read(policy: &Policy) -> Value {
        serde_json::from_str(&rules(policy).unwrap()).unwrap()
    }

    #[test]
    fn h93_rules_name_kept_pages_and_leave_out_what_is_not_a_plain_page_of_the_shop() {
        let policy = policy(r#""cache":{"pages":["product","guide"]}"#);
        let rules = read(&policy);
        let all = &rules["prefetch"][0]["where"]["and"];
        assert_eq!(
            all[0],
            json!({"or": [
                {"and": [{"href_matches": "/p/{:p1}"}, {"not": {"href_matches": ["/p/sale-{:p1}"]}}]},
                {"and": [{"href_matches": "/guides{/*}?"}, {"not": {"href_matches": ["/p/sale-{:p1}"]}}]},
            ]})
        );
        let never = all[1]["not"]["href_matches"].to_string();
        for part in [
            "(.+)",
            "|cart|",
            "|checkout|",
            "|wishlist|",
            "pdf",
            "/p/secret",
        ] {
            assert!(never.contains(part), "{part}: {never}");
        }
        let links = all[2]["not"]["selector_matches"].as_str().unwrap();
        for part in ["nofollow", "download", "_blank", "[data-no-prefetch]"] {
            assert!(links.contains(part), "{part}: {links}");
        }
        // Every pattern is a path, so it stands for addresses of the shop's own origin only.
        assert!(!rules.to_string().contains("://"), "{rules}");
    }

    #[test]
    fn h95_rules_never_ask_for_a_page_to_be_run_ahead() {
        for eagerness in ["conservative", "moderate"] {
            let policy = policy(&format!(
                r#""cache":{{"pages":["product"]}},"passes":{{"speculation_rules":{{"eagerness":"{eagerness}"}}}}"#
            ));
            let rules = read(&policy);
            assert_eq!(rules.as_object().unwrap().len(), 1, "{rules}");
            assert_eq!(rules["prefetch"][0]["eagerness"], eagerness);
        }
    }

    #[test]
    fn h96_who_saves_data_or_has_a_slow_connection_gets_no_rules() {
        let policy = policy(r#""cache":{"pages":["product"]}"#);
        for (name, value, expected) in [
            ("save-data", "on", Err("the visitor saves data")),
            ("save-data", "off", Ok(())),
            ("ect", "3g", Err("the connection is slow")),
            ("ect", "slow-2g", Err("the connection is slow")),
            ("ect", "4g", Ok(())),
        ] {
            let mut client = HeaderMap::new();
            client.insert(name, value.parse().unwrap());
            assert_eq!(
                rules_for(&policy, &client).map(drop),
                expected,
                "{name}: {value}"
            );
        }
    }

    #[test]
    fn without_pages_that_are_kept_there_are_no_rules() {
        for more in [
            r#""cache":{}"#,
            r#""cache":{"pages":["nothing"]}"#,
            r#""cache":{"enabled":false,"pages":["product"]}"#,
            r#""cache":{"pages":["product"]},"passes":{"speculation_rules":{"enabled":false}}"#,
        ] {
            let said = rules_for(&policy(more), &HeaderMap::new());
            assert_eq!(said, Err("no page is kept at the edge"), "{more}");
        }
    }

    #[test]
    fn rules_can_stand_in_a_script_element() {
        let policy: Policy = serde_json::from_str(
            r#"{"templates":[{"name":"a","path":"/<script>/é(1)*"}],"cache":{"pages":["a"]}}"#,
        )
        .unwrap();
        let rules = rules(&policy).unwrap();
        assert!(rules.is_ascii() && !rules.contains('<'), "{rules}");
        assert!(rules.contains("/%C3%A9\\\\(1\\\\){:p1}"), "{rules}");
    }
}
