//! The first half of a page leaves the layer when it leaves the shop, not when the page is complete.

use anyhow::{Context, ensure};
use http::{HeaderMap, HeaderValue, Method, header};
use serde::Deserialize;

use crate::client::{self, Answer};

/// Arguments of `vitrine-loadtests first-byte`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The demo shop.
    #[arg(long)]
    origin: String,
    /// The demo shop through Vitrine.
    #[arg(long)]
    vitrine: String,
    /// Longest time from the shop sending the first half to the client having it, in milliseconds.
    #[arg(long, default_value_t = 50.0)]
    within_ms: f64,
    /// Tries of each page.
    #[arg(long, default_value_t = 5)]
    tries: u32,
}

/// How long the shop waits between the halves, in milliseconds.
const WAIT_MS: f64 = 2000.0;

/// Pages, an asset and an image: whatever streams.
const PATHS: [&str; 4] = ["/", "/c/ceramics", "/p/ember-mug", "/cart"];

/// The encodings that a client may ask for: a compressor must not sit on what it was given either.
const ENCODINGS: [&str; 3] = ["identity", "gzip", "br"];

#[derive(Deserialize)]
struct Entry {
    path: String,
    #[serde(default)]
    sent_ms: Vec<f64>,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let mut worst: f64 = 0.0;
    let mut late = Vec::new();
    for path in PATHS {
        for encoding in ENCODINGS {
            for _ in 0..args.tries {
                let lag = once(&args, path, encoding).await?;
                worst = worst.max(lag);
                if lag > args.within_ms {
                    late.push(format!("{path} ({encoding}): {lag:.1} ms"));
                }
            }
        }
    }
    let count = PATHS.len() * ENCODINGS.len() * args.tries as usize;
    eprintln!("first half of {count} pages: at most {worst:.1} ms after the shop sent it");
    ensure!(
        late.is_empty(),
        "later than {} ms: {}",
        args.within_ms,
        late.join(", ")
    );
    Ok(())
}

/// Milliseconds from the shop sending its first half to the client holding what can be made of it.
async fn once(args: &Args, path: &str, encoding: &str) -> anyhow::Result<f64> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_str(encoding)?);
    headers.insert(header::ACCEPT, HeaderValue::from_static("text/html"));
    let url = format!("{}{path}?__fault=half={WAIT_MS}", args.vitrine);
    let answer = client::request(Method::GET, &url, &headers, bytes::Bytes::new()).await?;
    ensure!(
        answer.status.is_success() && answer.broken.is_none(),
        "{path}: {} {:?}",
        answer.status,
        answer.broken
    );
    let sent = sent(&args.origin, path).await?;
    lag(&answer, sent).with_context(|| format!("{path} ({encoding})"))
}

/// When the shop handed over the halves of the last such page.
async fn sent(origin: &str, path: &str) -> anyhow::Result<(f64, f64)> {
    let log = client::get(&format!("{origin}/__demo/log")).await?;
    let entries: Vec<Entry> = serde_json::from_slice(&log.body)?;
    let entry = entries
        .iter()
        .rev()
        .find(|entry| entry.path == path && entry.sent_ms.len() == 2);
    let entry = entry.with_context(|| format!("the shop did not log {path}"))?;
    Ok((entry.sent_ms[0], entry.sent_ms[1]))
}

/// The last piece that came before the second half was sent closes the first half.
fn lag(answer: &Answer, (first, second): (f64, f64)) -> anyhow::Result<f64> {
    let early: Vec<&(f64, usize)> = answer
        .pieces
        .iter()
        .filter(|(at, _)| *at < second)
        .collect();
    let (at, _) = early
        .last()
        .context("nothing came before the second half was sent")?;
    let (had, whole) = (
        early.iter().map(|piece| piece.1).sum::<usize>(),
        answer.body.len(),
    );
    // Half of the shop's bytes may compress to less than half of the whole; a few bytes would be a head alone.
    ensure!(
        had * 5 > whole,
        "only {had} of {whole} bytes came with the first half"
    );
    Ok(at - first)
}
