//! The explanation for a person: one page, nothing to load and nothing that runs.

use std::fmt::Write as _;

use super::{ExplainedPass, Explanation, HeaderChange};

const STYLE: &str = include_str!("explain.css");

/// The page: what was decided, by which pass, what it cost, and what became of the headers.
pub(super) fn page(explained: &Explanation<'_>) -> String {
    let url = escaped(&explained.url);
    // Writing to a String cannot fail, here and below.
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>Vitrine explains {url}</title>\n<style>\n{STYLE}</style></head><body><main>\n\
         <p class=\"soft small\">Vitrine explains</p><h1><code>{url}</code></h1>\n"
    );
    out.push_str(&verdict(explained));
    out.push_str(&facts(explained));
    out.push_str(&timing(explained));
    out.push_str(&passes(&explained.passes));
    out.push_str(&header_changes(&explained.header_changes));
    out.push_str(&headers(&explained.headers));
    let _ = write!(
        out,
        "<p class=\"soft small\">Asked just now as a visitor without cookies, who is not measured. Policy \
         <code>{}</code>. The same as JSON: add <code>&amp;format=json</code>.</p>\n</main></body></html>\n",
        escaped(explained.policy)
    );
    out
}

/// The one sentence to read.
fn verdict(explained: &Explanation<'_>) -> String {
    let applied = explained.passes.iter().filter(|p| p.applied.is_some());
    let (applied, all) = (applied.count(), explained.passes.len());
    let (class, tag, text) = if let Some(error) = explained.error {
        let at = format!("Something went wrong: {error}.");
        ("bad", "went wrong", at)
    } else if explained.summary.contains("untouched") || !explained.enabled {
        let reason = explained.reason.unwrap_or("disabled");
        let text = match explained.because {
            Some(meaning) => format!("The shop's own answer, because {meaning} ({reason})."),
            None => format!("The shop's own answer: {reason}."),
        };
        ("", "left alone", text)
    } else if all > 0 {
        let text = match applied {
            0 => "None of the passes found anything to do.".to_owned(),
            _ => format!("{applied} of {all} passes found something to do."),
        };
        (
            "done",
            if applied > 0 {
                "rewritten"
            } else {
                "passed on"
            },
            text,
        )
    } else {
        let cached = match explained.cache {
            Some("hit") => "Answered from the cache",
            Some("miss") => "Fetched from the shop just now, and kept",
            Some("stale") => "Answered from the cache, which is being brought up to date",
            Some("revalidated") => "Answered from the cache; the shop confirmed it",
            Some("bypass") => "Fetched from the shop, and not kept",
            _ => "Fetched from the shop",
        };
        let reason = explained.reason.map_or_else(String::new, |reason| {
            format!(": {}", explained.because.unwrap_or(reason))
        });
        ("done", explained.route, format!("{cached}{reason}."))
    };
    format!(
        "<p class=\"verdict\"><span class=\"tag {class}\">{}</span> {}</p>\n<p class=\"soft small\"><code>X-Vitrine: \
         {}</code></p>\n",
        escaped(tag),
        prose(&text),
        escaped(&explained.summary)
    )
}

fn facts(explained: &Explanation<'_>) -> String {
    let bytes = |n: Option<u64>| n.map_or_else(|| "not counted".to_owned(), size);
    let facts = [
        ("Status", Some(explained.status.to_string())),
        ("Route", Some(explained.route.to_owned())),
        ("Template", explained.template.map(str::to_owned)),
        ("Cache", explained.cache.map(str::to_owned)),
        ("From the shop", Some(bytes(explained.bytes_in))),
        ("To the visitor", Some(bytes(explained.bytes_out))),
    ];
    let mut out = String::from("<dl class=\"facts\">");
    for (name, value) in facts {
        if let Some(value) = value {
            let _ = write!(
                out,
                "<div><dt>{name}</dt><dd>{}</dd></div>",
                escaped(&value)
            );
        }
    }
    out.push_str("</dl>\n");
    out
}

fn size(bytes: u64) -> String {
    if bytes < 10_000 {
        format!("{bytes} B")
    } else {
        format!("{:.1} kB", bytes as f64 / 1_000.0)
    }
}

/// Where the time went: until the shop's head, and from there to the last byte.
fn timing(explained: &Explanation<'_>) -> String {
    let (whole, head) = (explained.ms, explained.origin_ms);
    let mut out = String::from("<h2>Time</h2><div class=\"card\">");
    match head {
        Some(head) => {
            let head = head.min(whole);
            let _ = write!(
                out,
                "<div class=\"bar\" role=\"img\" aria-label=\"{head} of {whole} ms until the shop's head\">\
                 <span style=\"flex:{head} 0 0\"></span><span style=\"flex:{} 0 0\"></span></div>\
                 <span class=\"key\">{head} ms until the head of the shop's answer</span>\
                 <span class=\"key ours\">{} ms more until the last byte, the shop's own included</span>",
                whole - head,
                whole - head
            );
        }
        None => {
            let _ = write!(
                out,
                "{whole} ms until the last byte; the shop was not asked."
            );
        }
    }
    out.push_str("</div>\n");
    out
}

fn passes(passes: &[ExplainedPass<'_>]) -> String {
    if passes.is_empty() {
        return String::new();
    }
    let mut out = String::from("<h2>Passes</h2>\n");
    for pass in passes {
        let (class, outcome) = match (pass.applied, pass.skip) {
            (Some(0), _) => ("", "found nothing to do".to_owned()),
            (Some(1), _) => ("done", "applied in 1 place".to_owned()),
            (Some(places), _) => ("done", format!("applied in {places} places")),
            (None, reason) => (
                "",
                format!("skipped: {}", reason.unwrap_or("no reason given")),
            ),
        };
        let _ = write!(
            out,
            "<div class=\"card pass\"><strong>{}</strong><span class=\"tag {class}\">{}</span>",
            escaped(pass.pass),
            escaped(&outcome)
        );
        let bytes = (pass.bytes != 0).then(|| format!("{:+} bytes", pass.bytes));
        let micros = pass.micros.map(|micros| format!("{micros} \u{b5}s"));
        for number in [bytes, micros] {
            let number = number.unwrap_or_default();
            let _ = write!(out, "<span class=\"number soft small\">{number}</span>");
        }
        if !pass.notes.is_empty() {
            out.push_str("<ul class=\"small\">");
            for note in pass.notes {
                let _ = write!(out, "<li><code>{}</code></li>", escaped(note));
            }
            out.push_str("</ul>");
        }
        out.push_str("</div>\n");
    }
    out.push_str(
        "<p class=\"soft small\"><code>vitrine explain passes NAME</code> says what a pass does, why, and when it \
         stays away.</p>\n",
    );
    out
}

fn header_changes(changes: &[HeaderChange]) -> String {
    if changes.is_empty() {
        return String::new();
    }
    let mut out = String::from(
        "<h2>Header changes</h2><div class=\"card\"><table class=\"changes\"><thead><tr><th scope=\"col\">Header</th>\
         <th scope=\"col\">From the shop</th><th scope=\"col\">To the visitor</th></tr></thead><tbody>",
    );
    for change in changes {
        let (was, is) = (change.origin.as_deref(), change.answer.as_deref());
        let value = |value: Option<&str>, none: &str| {
            value.map_or_else(
                || format!("<span class=\"soft small\">{none}</span>"),
                |value| format!("<code>{}</code>", escaped(value)),
            )
        };
        let _ = write!(
            out,
            "<tr><th scope=\"row\"><code>{}</code></th><td class=\"was\">{}</td><td>{}</td></tr>",
            escaped(&change.name),
            value(was, "not sent: added"),
            value(is, "removed")
        );
    }
    out.push_str("</tbody></table></div>\n");
    out
}

fn headers(headers: &[(String, String)]) -> String {
    let mut out = format!(
        "<details><summary>All {} headers of the answer</summary><div class=\"card\"><table class=\"changes\"><tbody>",
        headers.len()
    );
    for (name, value) in headers {
        let _ = write!(
            out,
            "<tr><th scope=\"row\"><code>{}</code></th><td><code>{}</code></td></tr>",
            escaped(name),
            escaped(value)
        );
    }
    out.push_str("</tbody></table></div></details>\n");
    out
}

/// A sentence in which what stands between backticks is code.
fn prose(text: &str) -> String {
    let mut out = String::new();
    for (at, part) in text.split('`').enumerate() {
        let part = escaped(part);
        let _ = if at % 2 == 1 {
            write!(out, "<code>{part}</code>")
        } else {
            write!(out, "{part}")
        };
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
