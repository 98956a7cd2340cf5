//! `vitrine audit`: rewrites pages as the merchant's file says, in this process, and holds each against what the
//! shop sent.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::Full;
use url::Url;
use vitrine_edge::audit::{self, Audited};
use vitrine_edge::config::{self, Policy};
use vitrine_edge::html::Outcome;

use super::operator::{fetch, plain};
use crate::host::values::read_beside;

/// Arguments of `vitrine audit`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Pages as files.
    #[arg(value_name = "FILE", required_unless_present = "url")]
    files: Vec<PathBuf>,
    /// A page's whole address at the shop itself. May be given several times.
    #[arg(long, value_name = "URL")]
    url: Vec<Url>,
    /// What a visitor got for the one FILE, as a file too: it is held against that instead of rewriting it here.
    #[arg(long, value_name = "FILE", requires = "files", conflicts_with = "url")]
    served: Option<PathBuf>,
    /// The merchant's file. Without one, every default is on.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Longest wait for a page.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let policy = policy(args.config.as_deref())?;
    let one = args.served.is_none() || args.files.len() == 1;
    anyhow::ensure!(one, "--served is held against one FILE");
    let (mut out, mut broken) = (String::new(), false);
    for file in &args.files {
        let body = read(file)?;
        let mut url = Url::parse("https://shop.example/")?;
        url.set_path(&file.to_string_lossy());
        let audited = if let Some(served) = &args.served {
            audit::served(&policy, &url, &body, &read(served)?)
        } else {
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, html)]);
            audit::page(&policy, url, headers, &body)
        };
        broken |= tell(&mut out, &file.display().to_string(), &audited);
    }
    for url in &args.url {
        let (headers, body) = page_at(url)?;
        let audited = audit::page(&policy, url.clone(), headers, &body);
        broken |= tell(&mut out, url.as_str(), &audited);
    }
    std::io::stdout().lock().write_all(out.as_bytes())?;
    Ok(ExitCode::from(u8::from(broken)))
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

fn policy(file: Option<&Path>) -> anyhow::Result<Policy> {
    let Some(file) = file else {
        return Ok(Policy::default());
    };
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    let compiled = config::load_with(&name, &text, None, &|named| read_beside(file, named));
    let compiled = compiled.map_err(|findings| anyhow::anyhow!("{findings}"))?;
    Ok(serde_json::from_str(&compiled.policy)?)
}

/// A page as the shop sends it.
fn page_at(url: &Url) -> anyhow::Result<(HeaderMap, Bytes)> {
    let request = Request::get(url.as_str())
        .header(ACCEPT, "text/html,*/*;q=0.8")
        .body(Full::new(Bytes::new()))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let answer = runtime.block_on(async { tokio::time::timeout(PATIENCE, fetch(request)).await });
    let (parts, body) = answer
        .with_context(|| format!("{url} did not answer within {} s", PATIENCE.as_secs()))?
        .with_context(|| format!("cannot ask {url}"))?;
    anyhow::ensure!(
        parts.status == StatusCode::OK,
        "{url} answered {}",
        parts.status
    );
    Ok((parts.headers, body))
}

/// Writes what became of a page, and says whether something is broken.
fn tell(out: &mut String, page: &str, audited: &Audited) -> bool {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}", plain(page));
    for report in &audited.passes {
        let outcome = match &report.outcome {
            Outcome::Applied(1) => "applied in 1 place".to_owned(),
            Outcome::Applied(places) => format!("applied in {places} places"),
            Outcome::Skipped(reason) => format!("skipped: {reason}"),
        };
        let _ = writeln!(out, "  {:24}{}", report.pass, plain(&outcome));
    }
    match &audited.violations {
        Err(bound) => {
            let _ = writeln!(out, "  not checked: {bound}");
            false
        }
        Ok(violations) if violations.is_empty() => {
            out.push_str("  nothing differs beyond what these passes declare\n");
            false
        }
        Ok(violations) => {
            for violation in violations {
                let _ = writeln!(out, "  BROKEN  {}", plain(&violation.to_string()));
            }
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use vitrine_edge::audit::{Kind, Violation};

    use super::*;

    fn audited(violations: Vec<Violation>) -> Audited {
        Audited {
            passes: Vec::new(),
            violations: Ok(violations),
        }
    }

    #[test]
    fn a_violation_is_told_and_makes_the_page_broken() {
        let violation = Violation {
            passes: vec!["size_images".into()],
            kind: Kind::Links,
            place: "`href` of <a>".into(),
            expected: "\"/a\"".into(),
            found: "\"/b\u{1b}[2J\"".into(),
        };
        let mut out = String::new();
        assert!(tell(&mut out, "/p/7", &audited(vec![violation])));
        assert!(
            out.contains("BROKEN  links: `href` of <a> (size_images)"),
            "{out}"
        );
        assert!(!out.contains('\u{1b}'), "{out}");
        assert!(!tell(&mut out, "/p/7", &audited(Vec::new())));
    }
}
