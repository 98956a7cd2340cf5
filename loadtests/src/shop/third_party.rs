//! The second origin: vendors' tags, slow and heavy as the real ones, each with its own fixed latency.

use std::fmt::Write as _;
use std::time::Duration;

use super::styles::filler;

/// A vendor's script.
pub(crate) struct Tag {
    pub(crate) path: &'static str,
    /// Time until the vendor's first byte.
    pub(crate) latency: Duration,
    /// Weight of the script, in bytes.
    bytes: usize,
    /// Rounds of work it does once the document is there; a million rounds are about a millisecond on a desktop.
    rounds: u32,
    /// What it does at once.
    body: &'static str,
}

/// The vendors. All but the A/B tool work through a queue, so a merchant may load them later; a page's inline
/// script calls the A/B tool directly, so it has to stay where it is.
pub(crate) const TAGS: [Tag; 5] = [
    Tag {
        path: "/ab/experiments.js",
        latency: Duration::from_millis(250),
        bytes: 18_000,
        rounds: 300_000,
        body: "window.ABTool={assign:function(name){document.documentElement.setAttribute('data-ab-'+name,'b');return 'b'}};",
    },
    Tag {
        path: "/tags/container.js",
        latency: Duration::from_millis(420),
        bytes: 110_000,
        rounds: 5_000_000,
        body: "window.dataLayer=window.dataLayer||[];window.__tags={seen:window.dataLayer.length};new Image().src=ORIGIN+'/collect?t=container';",
    },
    Tag {
        path: "/analytics/collect.js",
        latency: Duration::from_millis(350),
        bytes: 62_000,
        rounds: 4_000_000,
        body: "window.__analytics={events:(window.dataLayer||[]).length};new Image().src=ORIGIN+'/collect?t=analytics';",
    },
    Tag {
        path: "/reviews/widget.js",
        latency: Duration::from_millis(480),
        bytes: 130_000,
        rounds: 5_000_000,
        body: "(function(){function show(box){box.textContent='Rated '+box.getAttribute('data-score')+' of 5 by '+box.getAttribute('data-count')+' customers'}function run(){document.querySelectorAll('[data-reviews]').forEach(show)}if(document.readyState==='loading')document.addEventListener('DOMContentLoaded',run);else run()})();",
    },
    Tag {
        path: "/chat/loader.js",
        latency: Duration::from_millis(600),
        bytes: 260_000,
        rounds: 8_000_000,
        body: "(function(){function open(){var b=document.createElement('div');b.id='chat';b.setAttribute('aria-hidden','true');b.style.cssText='position:fixed;right:18px;bottom:18px;width:54px;height:54px;border-radius:50%;background:#2f5d62;box-shadow:0 4px 14px rgba(0,0,0,.25)';document.body.appendChild(b)}if(document.body)open();else document.addEventListener('DOMContentLoaded',open)})();",
    },
];

/// The script's bytes, for a vendor reachable at `origin`.
pub(crate) fn script(tag: &Tag, origin: &str) -> String {
    let name = tag
        .path
        .trim_start_matches('/')
        .split('/')
        .next()
        .unwrap_or("tag");
    let mut js = String::new();
    // Vendors do their work when the document is ready, all of them in one go if they were loaded before that.
    let _ = writeln!(
        js,
        "(function(){{function work(){{var h=1;for(var i=0;i<{};i++)h=Math.imul(h,31)+i^h>>>7;window.__work=h}}\
         if(document.readyState==='loading')document.addEventListener('DOMContentLoaded',work);else work()}})();",
        tag.rounds
    );
    let _ = writeln!(js, "(function(){{var ORIGIN='{origin}';{}}})();", tag.body);
    filler(&mut js, name, tag.bytes);
    js
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_has_real_latency_and_the_weight_it_claims() {
        for tag in &TAGS {
            assert!(tag.latency >= Duration::from_millis(200), "{}", tag.path);
            assert!(
                script(tag, "http://127.0.0.1:3001").len() >= tag.bytes,
                "{}",
                tag.path
            );
        }
    }
}
