//! `vitrine hints`: takes in a file of what has been learned of the shop's pages, and shows what follows.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use http::Request;
use url::Url;
use vitrine_edge::html::hints::{Decision, HintsFile, MAX_FILE, Problem, Report, TemplateReport};

use super::operator::{DEFAULT_EDGE, Operator, plain};

/// Arguments of `vitrine hints`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
    /// Where the edge answers.
    #[arg(long, value_name = "URL", default_value = DEFAULT_EDGE, global = true)]
    edge: Url,
    /// Prints JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    operator: Operator,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Check a file of hints and hand it to the running edge. It replaces what was known of its templates.
    Import {
        /// The file: JSON, format version 1.
        file: PathBuf,
    },
    /// Show what is known, and what it leads to.
    Show {
        /// Only this template.
        template: Option<String>,
    },
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::Import { file } => import(args, file),
        Verb::Show { template } => show(args, template.as_deref()),
    }
}

fn import(args: &Args, file: &Path) -> anyhow::Result<ExitCode> {
    let text = read(file)?;
    if let Err(problems) = HintsFile::read(&text) {
        return Ok(mistakes(file, &problems));
    }
    if std::io::stderr().is_terminal() {
        eprintln!("{}: fine; asking {} to take it", file.display(), args.edge);
    }
    let url = args.edge.join("/_v/hints")?;
    let request = Request::put(url.as_str()).header(http::header::CONTENT_TYPE, "application/json");
    match args.operator.ask(&args.edge, request, text)? {
        Ok(body) => print(args, &body),
        // An edge of another version may find more.
        Err(refusal) if !refusal.problems.is_empty() => Ok(mistakes(file, &refusal.problems)),
        Err(refusal) => Ok(refused(&refusal.detail)),
    }
}

/// The file, as far as the format's bound allows.
fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let name = file.display();
    let length = std::fs::metadata(file)
        .with_context(|| format!("cannot read {name}"))?
        .len();
    anyhow::ensure!(
        length <= MAX_FILE as u64,
        "{name}: {length} bytes; a file of hints has at most {MAX_FILE}"
    );
    std::fs::read(file).with_context(|| format!("cannot read {name}"))
}

fn show(args: &Args, template: Option<&str>) -> anyhow::Result<ExitCode> {
    let mut url = args.edge.join("/_v/hints")?;
    if let Some(template) = template {
        url.query_pairs_mut().append_pair("template", template);
    }
    let asked = args
        .operator
        .ask(&args.edge, Request::get(url.as_str()), Vec::new())?;
    match asked {
        Ok(body) => print(args, &body),
        Err(refusal) => Ok(refused(&refusal.detail)),
    }
}

fn mistakes(file: &Path, problems: &[Problem]) -> ExitCode {
    for problem in problems {
        eprintln!("error: {}", mistake(&file.display().to_string(), problem));
    }
    let count = match problems.len() {
        1 => "1 mistake".to_owned(),
        n => format!("{n} mistakes"),
    };
    eprintln!("{}: {count}; nothing was changed", file.display());
    ExitCode::FAILURE
}

/// `FILE:LINE:COLUMN: …`, as editors read it, or `FILE: ENTRY: …`.
fn mistake(file: &str, problem: &Problem) -> String {
    let is_line = problem.place.starts_with(|c: char| c.is_ascii_digit());
    let gap = if is_line { "" } else { " " };
    format!("{file}:{gap}{}", plain(&problem.to_string()))
}

fn refused(detail: &str) -> ExitCode {
    eprintln!("error: {}", plain(detail));
    ExitCode::FAILURE
}

fn print(args: &Args, body: &[u8]) -> anyhow::Result<ExitCode> {
    let report: Report = serde_json::from_slice(body).context("not a report on hints")?;
    for warning in &report.warnings {
        eprintln!("warning: {}", plain(warning));
    }
    let text = if args.json {
        format!("{}\n", serde_json::to_string_pretty(&report)?)
    } else {
        account(&report)
    };
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// What is known and what follows, for people.
fn account(report: &Report) -> String {
    if report.templates.is_empty() {
        return "Nothing is known of any template. `vitrine hints import FILE` takes hints in.\n"
            .to_owned();
    }
    let templates: Vec<String> = report.templates.iter().map(of_template).collect();
    templates.join("\n")
}

fn of_template(template: &TemplateReport) -> String {
    let mut out = format!("{}\n", plain(&template.template));
    // Writing to a string does not fail.
    for (pass, why) in &template.off {
        let _ = writeln!(out, "  {} is off: {}", plain(pass), plain(why));
    }
    for address in &template.stale {
        let _ = writeln!(
            out,
            "  {} is used no more: a page did not have it, or it was not found",
            plain(address)
        );
    }
    if template.groups.is_empty() {
        out.push_str("  nothing is known of its pages\n");
    }
    for group in &template.groups {
        let screens = serde_json::to_value(group.viewport).unwrap_or_default();
        let screens = screens.as_str().unwrap_or_default();
        let _ = writeln!(out, "  {screens}, {} views", group.views);
        if group.decisions.is_empty() {
            out.push_str("    nothing follows\n");
        }
        for decision in &group.decisions {
            let _ = writeln!(out, "    {}", of_decision(decision));
        }
    }
    out
}

fn of_decision(decision: &Decision) -> String {
    let evidence = &decision.evidence;
    let outcome = match &decision.not_yet {
        None => format!("yes: {} of {} views", evidence.count, evidence.of),
        Some(why) => format!("no: {}", plain(why)),
    };
    format!("{:12} {}  {outcome}", decision.pass, plain(&decision.on))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_what_will_be_done_and_what_not_and_why() {
        let report: Report = serde_json::from_value(serde_json::json!({
            "warnings": [],
            "templates": [{
                "template": "product",
                "off": {"lazy_images": "an image was missing\u{1b}[2J"},
                "stale": [],
                "hints": null,
                "groups": [{"viewport": "phone", "views": 100, "decisions": [
                    {"pass": "lcp_image", "on": "main img", "not_yet": null,
                     "evidence": {"count": 98, "of": 100, "bound": 0.93, "needs": 0.8}},
                    {"pass": "preconnect", "on": "https://cdn.example", "not_yet": "too rare",
                     "evidence": {"count": 9, "of": 100, "bound": 0.05, "needs": 0.6}},
                ]}],
            }],
        }))
        .unwrap();
        let text = account(&report);
        assert!(text.contains("phone, 100 views"), "{text}");
        assert!(text.contains("main img  yes: 98 of 100 views\n"), "{text}");
        assert!(
            text.contains("https://cdn.example  no: too rare\n"),
            "{text}"
        );
        assert!(
            text.contains("lazy_images is off: an image was missing"),
            "{text}"
        );
        assert!(!text.contains('\u{1b}'), "{text}");
        assert!(account(&Report::default()).contains("hints import"));
    }
}
