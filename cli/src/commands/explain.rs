//! `vitrine explain`: what a running edge decides about a page and why; and what each pass does.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use http::Request;
use serde::Deserialize;
use url::Url;
use vitrine_edge::html::passes::{self, Docs};

use super::operator::{self, DEFAULT_EDGE, Operator};

/// Arguments of `vitrine explain`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A page of the shop (`/p/7`, or its whole address), or the word `passes`.
    #[arg(value_name = "URL|passes", required_unless_present = "url")]
    subject: Option<String>,
    /// The page, by name: the same as to write it alone.
    #[arg(long, value_name = "URL", conflicts_with = "subject")]
    url: Option<String>,
    /// After `passes`: only this one.
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Where the edge answers. Default: the address's own scheme and host, or `http://127.0.0.1:4000`.
    #[arg(long, value_name = "URL")]
    edge: Option<Url>,
    #[command(flatten)]
    operator: Operator,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Table,
    Json,
}

impl Args {
    fn subject(&self) -> &str {
        let written = self.url.as_ref().or(self.subject.as_ref());
        written.map_or("", String::as_str)
    }
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.subject() == "passes" {
        return explain_passes(args);
    }
    anyhow::ensure!(
        args.name.is_none(),
        "one page at a time; a second word follows only `passes`"
    );
    let (edge, page) = address(args)?;
    let mut url = edge.join("/_v/explain")?;
    url.query_pairs_mut().append_pair("url", &page);
    let asked = args
        .operator
        .ask(&edge, Request::get(url.as_str()), Vec::new())?;
    let body = match asked {
        Ok(body) => body,
        Err(refusal) => {
            eprintln!("error: {}", refusal.detail);
            return Ok(ExitCode::FAILURE);
        }
    };
    let text = match args.format {
        Format::Json => String::from_utf8_lossy(&body).into_owned(),
        Format::Table => table(&serde_json::from_slice(&body).context("not an explanation")?),
    };
    print(&text)
}

fn print(text: &str) -> anyhow::Result<ExitCode> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// The edge to ask, and the path and query to ask about.
fn address(args: &Args) -> anyhow::Result<(Url, String)> {
    let default = Url::parse(DEFAULT_EDGE)?;
    if args.subject().starts_with('/') {
        let edge = args.edge.clone().unwrap_or(default);
        return Ok((edge, args.subject().to_owned()));
    }
    let page = Url::parse(args.subject())
        .ok()
        .filter(Url::has_host)
        .with_context(|| format!("`{}` is neither a path nor an address", args.subject()))?;
    let path = page[url::Position::BeforePath..url::Position::AfterQuery].to_owned();
    let edge = args.edge.clone().map_or_else(|| page.join("/"), Ok)?;
    Ok((edge, path))
}

/// What the edge answers to `/_v/explain`.
#[derive(Deserialize)]
struct Explanation {
    url: String,
    route: String,
    template: Option<String>,
    policy: String,
    enabled: bool,
    status: u16,
    summary: String,
    reason: Option<String>,
    because: Option<String>,
    cache: Option<String>,
    passes: Vec<Pass>,
    origin_ms: Option<u64>,
    ms: u64,
    bytes_in: Option<u64>,
    bytes_out: Option<u64>,
    error: Option<String>,
    headers: Vec<(String, String)>,
    #[serde(default)]
    header_changes: Vec<HeaderChange>,
}

#[derive(Deserialize)]
struct HeaderChange {
    name: String,
    origin: Option<String>,
    answer: Option<String>,
}

#[derive(Deserialize)]
struct Pass {
    #[serde(rename = "pass")]
    name: String,
    applied: Option<u32>,
    skip: Option<String>,
    #[serde(default)]
    bytes: i64,
    micros: Option<u64>,
    notes: Vec<String>,
}

fn table(explained: &Explanation) -> String {
    let number = |n: Option<u64>, unit: &str| n.map(|n| format!("{n} {unit}"));
    let because = explained.because.as_ref();
    let reason = explained.reason.as_ref().map(|reason| match because {
        Some(because) => format!("{because} ({reason})"),
        None => reason.clone(),
    });
    let switch = (!explained.enabled).then(|| "the policy switches everything off".to_owned());
    // Where the cache took part, the reason is why it did no more.
    let why = match explained.cache {
        Some(_) => "cache, because",
        None => "left alone because",
    };
    let rows = [
        ("page", Some(explained.url.clone())),
        ("in short", Some(explained.summary.clone())),
        ("switched off", switch),
        ("route", Some(explained.route.clone())),
        ("template", explained.template.clone()),
        ("status", Some(explained.status.to_string())),
        (why, reason),
        ("cache", explained.cache.clone()),
        ("origin's head after", number(explained.origin_ms, "ms")),
        ("last byte after", number(Some(explained.ms), "ms")),
        ("from the origin", number(explained.bytes_in, "bytes")),
        ("to the visitor", number(explained.bytes_out, "bytes")),
        ("went wrong", explained.error.clone()),
        ("policy", Some(explained.policy.clone())),
    ];
    let mut out = String::new();
    for (name, value) in rows {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            row(&mut out, "", name, &value);
        }
    }
    if !explained.passes.is_empty() {
        out.push_str("\npasses\n");
    }
    for pass in &explained.passes {
        let outcome = match (pass.applied, &pass.skip) {
            (Some(0), _) => "found nothing to do".into(),
            (Some(1), _) => "applied in 1 place".into(),
            (Some(places), _) => format!("applied in {places} places"),
            (None, Some(reason)) => format!("skipped: {reason}"),
            (None, None) => "skipped".into(),
        };
        let cost = cost(pass);
        row(&mut out, "  ", &pass.name, &format!("{outcome}{cost}"));
        for note in &pass.notes {
            row(&mut out, "  ", "", &format!("- {note}"));
        }
    }
    header_rows(&mut out, explained);
    out.push_str("\nAsked as a visitor without cookies, who is not measured.\n");
    out
}

/// What a pass added to the page, and how long it took.
fn cost(pass: &Pass) -> String {
    let mut cost = String::new();
    if pass.bytes != 0 {
        let _ = write!(cost, ", {:+} bytes", pass.bytes);
    }
    if let Some(micros) = pass.micros {
        let _ = write!(cost, ", {micros} \u{b5}s");
    }
    cost
}

/// What became of the shop's headers; all of the answer's where the shop was not asked.
fn header_rows(out: &mut String, explained: &Explanation) {
    let changes = &explained.header_changes;
    if changes.is_empty() {
        out.push_str("\nheaders of the answer\n");
        for (name, value) in &explained.headers {
            row(out, "  ", name, value);
        }
        return;
    }
    out.push_str("\nheaders that are not the shop's\n");
    for HeaderChange {
        name,
        origin,
        answer,
    } in changes
    {
        let one_line = |value: &str| value.replace('\n', " | ");
        let what = match (origin, answer) {
            (Some(was), Some(is)) => format!("{} -> {}", one_line(was), one_line(is)),
            (None, Some(is)) => format!("+ {}", one_line(is)),
            (Some(was), None) => format!("removed: {}", one_line(was)),
            (None, None) => continue,
        };
        row(out, "  ", name, &what);
    }
    out.push_str("  the others are as the shop sent them\n");
}

/// One line of the table. What came from a page may not steer the terminal.
fn row(out: &mut String, indent: &str, name: &str, value: &str) {
    let width = 22 - indent.len();
    let _ = writeln!(out, "{indent}{name:width$}  {}", operator::plain(value));
}

fn explain_passes(args: &Args) -> anyhow::Result<ExitCode> {
    let all = passes::docs();
    let chosen: Vec<&Docs> = all
        .iter()
        .filter(|docs| args.name.as_deref().is_none_or(|name| name == docs.name))
        .collect();
    if chosen.is_empty() {
        let names: Vec<&str> = all.iter().map(|docs| docs.name).collect();
        eprintln!(
            "error: there is no pass `{}`; there are {}",
            args.name.as_deref().unwrap_or_default(),
            names.join(", ")
        );
        return Ok(ExitCode::FAILURE);
    }
    if args.format == Format::Json {
        let list: Vec<serde_json::Value> = chosen.iter().map(|docs| docs_json(docs)).collect();
        return print(&format!("{}\n", serde_json::to_string_pretty(&list)?));
    }
    let texts: Vec<String> = chosen.iter().map(|docs| docs_text(docs)).collect();
    print(&texts.join("\n"))
}

fn docs_json(docs: &Docs) -> serde_json::Value {
    serde_json::json!({
        "pass": docs.name,
        "what": docs.what,
        "why": docs.why,
        "away": docs.away,
        "example": docs.example,
        "on": docs.on,
        "switch": docs.switch(),
    })
}

fn docs_text(docs: &Docs) -> String {
    let mut out = format!("{}\n", docs.name);
    for (title, text) in [
        ("What it does", &docs.what),
        ("Why it helps", &docs.why),
        ("When it stays away", &docs.away),
        ("Example", &docs.example),
        ("Switching it on and off", &docs.switch()),
    ] {
        let _ = writeln!(out, "  {title}");
        for line in text.lines() {
            let _ = writeln!(out, "    {line}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    fn asked(words: &[&str]) -> anyhow::Result<(String, String)> {
        let command = Command::parse_from([&["explain"], words].concat());
        address(&command.args).map(|(edge, page)| (edge.to_string(), page))
    }

    #[test]
    fn the_edge_is_the_one_of_the_address_unless_another_is_named() {
        let is = |words: &[&str], edge: &str, page: &str| {
            assert_eq!(asked(words).unwrap(), (edge.to_owned(), page.to_owned()));
        };
        is(&["/p/7?x=1"], "http://127.0.0.1:4000/", "/p/7?x=1");
        is(
            &["https://shop.example/p/7#top"],
            "https://shop.example/",
            "/p/7",
        );
        is(
            &[
                "https://shop.example/p/7",
                "--edge",
                "http://127.0.0.1:4123",
            ],
            "http://127.0.0.1:4123/",
            "/p/7",
        );
        assert!(asked(&["p/7"]).is_err());
        assert!(asked(&["mailto:a@b.example"]).is_err());
    }

    #[test]
    fn the_table_says_what_each_pass_did_and_shows_no_control_characters() {
        let json = serde_json::json!({
            "url": "/p/7", "route": "page", "template": "product", "policy": "0123456789ab",
            "enabled": true, "status": 200, "summary": "page; passes=1", "reason": null,
            "cache": null, "origin_ms": 12, "ms": 30, "bytes_in": 1000, "bytes_out": 300,
            "error": null,
            "passes": [
                {"pass": "preconnect", "applied": 1, "skip": null, "bytes": 71, "micros": 12, "notes": ["https://a.example\u{1b}[2J"]},
                {"pass": "size_images", "applied": null, "skip": "no rules", "notes": []},
            ],
            "headers": [["content-type", "text/html"], ["via", "1.1 vitrine"]], "because": null,
            "header_changes": [
                {"name": "via", "origin": null, "answer": "1.1 vitrine"},
                {"name": "etag", "origin": "\"1\"", "answer": null},
            ],
        });
        let table = table(&serde_json::from_value(json).unwrap());
        assert!(
            table.contains("applied in 1 place, +71 bytes, 12 \u{b5}s\n"),
            "{table}"
        );
        assert!(table.contains("skipped: no rules\n"), "{table}");
        assert!(table.contains("12 ms\n"), "{table}");
        assert!(table.contains("+ 1.1 vitrine\n"), "{table}");
        assert!(table.contains("removed: \"1\"\n"), "{table}");
        assert!(!table.contains("text/html"), "{table}");
        assert!(!table.contains('\u{1b}'), "{table}");
        assert!(!table.contains("went wrong"), "{table}");
    }

    #[test]
    fn every_pass_has_the_four_chapters_of_its_reference() {
        for docs in passes::docs() {
            for chapter in [&docs.what, &docs.why, &docs.away, &docs.example] {
                assert!(!chapter.is_empty(), "{}", docs.name);
            }
            assert!(docs_text(&docs).starts_with(docs.name));
        }
    }
}
