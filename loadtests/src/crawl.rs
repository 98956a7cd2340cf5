//! Finds a shop's addresses by following its links.

use std::collections::{BTreeSet, VecDeque};

use anyhow::ensure;
use http::header;

use crate::client;

/// Addresses that no page links to but that every shop has to answer for.
const ALWAYS: [&str; 5] = [
    "/",
    "/cart",
    "/checkout",
    "/robots.txt",
    "/this-page-does-not-exist",
];

/// Up to `most` addresses of the shop, pages and what they load.
pub(crate) async fn pages(origin: &str, most: usize) -> anyhow::Result<BTreeSet<String>> {
    let mut found: BTreeSet<String> = ALWAYS.map(str::to_owned).into();
    let mut waiting: VecDeque<String> = found.iter().cloned().collect();
    while let Some(path) = waiting.pop_front() {
        let answer = client::get(&format!("{origin}{path}")).await?;
        let kind = answer
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        if !kind.is_some_and(|kind| kind.starts_with("text/html")) {
            continue;
        }
        for link in links(&String::from_utf8_lossy(&answer.body), origin) {
            if found.len() < most && found.insert(link.clone()) {
                waiting.push_back(link);
            }
        }
    }
    ensure!(found.len() > ALWAYS.len(), "{origin}/ links to nothing");
    Ok(found)
}

/// Paths on this shop that a page names in `href` and `src`.
fn links(html: &str, origin: &str) -> Vec<String> {
    ["href=\"", "src=\""]
        .iter()
        .flat_map(|mark| html.split(mark).skip(1))
        .filter_map(|rest| rest.split('"').next())
        .map(|link| link.replace("&amp;", "&"))
        .map(|link| {
            link.strip_prefix(origin)
                .map_or(link.clone(), str::to_owned)
        })
        .filter(|link| {
            link.starts_with('/') && !link.starts_with("//") && !link.starts_with("/checkout")
        })
        .map(|link| link.split('#').next().unwrap_or_default().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_the_shop_are_found_and_others_are_not() {
        let html = r#"<a href="/c/a#top">x</a><img src="http://s/i?a=1&amp;b=2"><script src="//cdn/x.js"></script><a href="https://else/">"#;
        assert_eq!(links(html, "http://s"), ["/c/a", "/i?a=1&b=2"]);
    }
}
